package command

import (
	"context"
	"path"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"rewind.dev/toolchain/plugins/command/local"
)

// keepFiles gives the assets and the archive of a state that is read their contents back. The engine sends a state with
// hashes only, and no program can use what a read returns like that: with the official plugin, a program whose command
// has `assetPaths` fails after the first refresh. Files that are no longer what the hash says stay without contents.
func keepFiles(p provider.Provider) provider.Provider {
	next := p
	p.Read = func(ctx context.Context, req provider.ReadRequest) (provider.ReadResponse, error) {
		resp, err := next.Read(ctx, req)
		if err != nil {
			return resp, err
		}
		dir := "."
		if given := resp.Properties.Get("dir"); given.IsString() {
			dir = given.AsString()
		}
		if assets := resp.Properties.Get("assets"); assets.IsMap() {
			resp.Properties = resp.Properties.Set("assets", property.WithGoValue(assets, refill(assets.AsMap(), dir)))
		}
		archive, patterns := resp.Properties.Get("archive"), resp.Properties.Get("archivePaths")
		if archive.IsArchive() && patterns.IsArray() {
			full, err := local.ArchiveOf(dir, textsOf(patterns.AsArray()))
			if err == nil && full.Hash == archive.AsArchive().Hash {
				resp.Properties = resp.Properties.Set("archive", property.WithGoValue(archive, full))
			}
		}
		return resp, nil
	}
	return p
}

func refill(assets property.Map, dir string) property.Map {
	for name, value := range assets.All {
		if !value.IsAsset() {
			continue
		}
		full, err := resource.NewPathAsset(path.Join(dir, name))
		if err == nil && full.Hash == value.AsAsset().Hash {
			assets = assets.Set(name, property.WithGoValue(value, full))
		}
	}
	return assets
}

func textsOf(array property.Array) []string {
	var list []string
	for _, element := range array.All {
		if element.IsString() {
			list = append(list, element.AsString())
		}
	}
	return list
}
