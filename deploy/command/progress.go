package command

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// bar shows how far something has got, on a terminal; elsewhere it shows nothing.
type bar struct{ bar *progressbar.ProgressBar }

// newBar returns a bar for bytes, or for what the options say.
func newBar(cmd *cobra.Command, what string, size int64, options ...progressbar.Option) *bar {
	out := io.Discard
	if f, ok := cmd.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		out = f
	}
	return &bar{progressbar.NewOptions64(size, append([]progressbar.Option{
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
	}, options...)...)}
}

// newCounter returns a bar that counts things instead of bytes.
func newCounter(cmd *cobra.Command, what string, n int) *bar {
	return newBar(cmd, what, int64(n), progressbar.OptionShowBytes(false), progressbar.OptionShowCount())
}

// one moves the bar by one.
func (b *bar) one() {
	b.bar.Add(1) //nolint:errcheck,gosec // a bar that cannot be drawn stops nothing
}

func (b *bar) set(done, _ int64) {
	b.bar.Set64(done) //nolint:errcheck,gosec // a bar that cannot be drawn stops nothing
}

func (b *bar) done() {
	b.bar.Finish() //nolint:errcheck,gosec // as above
}
