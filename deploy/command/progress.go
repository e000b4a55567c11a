package command

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// bar shows how far a file has been read: as a bar on a terminal, as a line now and then elsewhere.
type bar struct{ bar *progressbar.ProgressBar }

func newBar(cmd *cobra.Command, what string, size int64) *bar {
	return drawBar(cmd, what, size, progressbar.OptionShowBytes(true))
}

// newCounter returns a bar that counts things instead of bytes.
func newCounter(cmd *cobra.Command, what string, n int) *bar {
	return drawBar(cmd, what, int64(n), progressbar.OptionShowCount())
}

func drawBar(cmd *cobra.Command, what string, size int64, unit progressbar.Option) *bar {
	out := io.Discard
	if f, ok := cmd.ErrOrStderr().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		out = f
	}
	return &bar{progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(what),
		unit,
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
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
