package local

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/gobwas/glob"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// collectFiles fills in `assets` and `archive` from the files that the command left in dir.
func collectFiles(dir string, in ProcessInputs, out *ProcessOutputs) error {
	if in.AssetPaths != nil {
		files, err := matchFiles(dir, "assetPaths", *in.AssetPaths)
		if err != nil {
			return err
		}
		assets := make(map[string]*types.AssetOrArchive, len(files))
		for name, asset := range files {
			assets[name] = &types.AssetOrArchive{Asset: asset}
		}
		out.Assets = &assets
	}
	if in.ArchivePaths != nil {
		archive, err := ArchiveOf(dir, *in.ArchivePaths)
		if err != nil {
			return err
		}
		out.Archive = archive
	}
	return nil
}

// ArchiveOf makes an archive of the files under dir that the patterns of `archivePaths` match.
func ArchiveOf(dir string, patterns []string) (*resource.Archive, error) {
	files, err := matchFiles(dir, "archivePaths", patterns)
	if err != nil {
		return nil, err
	}
	members := make(map[string]any, len(files))
	for name, asset := range files {
		members[name] = asset
	}
	archive, err := resource.NewAssetArchive(members)
	if err != nil {
		return nil, fmt.Errorf("archivePaths: cannot make an archive of the files in %s: %w", dir, err)
	}
	return archive, nil
}

type filePattern struct {
	glob    glob.Glob
	exclude bool
}

// matchFiles returns the files under dir for which the last pattern that matches is not an exclusion, by their
// slash-separated path relative to dir. input names the input that the patterns came from, for errors.
func matchFiles(dir, input string, patterns []string) (map[string]*resource.Asset, error) {
	compiled := make([]filePattern, len(patterns))
	for i, text := range patterns {
		rest, exclude := strings.CutPrefix(text, "!")
		pattern, err := glob.Compile(rest, '/')
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %q is not a valid glob: %w", input, i, text, err)
		}
		compiled[i] = filePattern{pattern, exclude}
	}

	files := map[string]*resource.Asset{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !included(compiled, name) {
			return err
		}
		asset, err := resource.NewPathAsset(path.Join(dir, name))
		if err != nil {
			return err
		}
		files[name] = asset
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read the files under %s: %w", input, dir, err)
	}
	return files, nil
}

func included(patterns []filePattern, name string) bool {
	take := false
	for _, pattern := range patterns {
		if pattern.glob.Match(name) {
			take = !pattern.exclude
		}
	}
	return take
}
