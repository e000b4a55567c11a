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

func (b *bar) set(done, _ int64) {
	b.bar.Set64(done) //nolint:errcheck,gosec // a bar that cannot be drawn stops nothing
}

func (b *bar) done() {
	b.bar.Finish() //nolint:errcheck,gosec // as above
}
