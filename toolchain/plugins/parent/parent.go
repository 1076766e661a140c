// Package parent ends a plugin whose engine is gone. An engine that was killed cannot end its plugins itself, and by their
// own rule they would notice after five minutes.
package parent

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
)

// interval is the time between two looks at the engine.
const interval = 5 * time.Second

// Watch calls gone once, when the engine at an address no longer answers. It returns at once and ends with ctx.
func Watch(ctx context.Context, address string, gone context.CancelFunc) error {
	if err := rpcutil.Healthcheck(ctx, address, interval, gone); err != nil {
		return fmt.Errorf("watch the engine at %s: %w", address, err)
	}
	return nil
}
