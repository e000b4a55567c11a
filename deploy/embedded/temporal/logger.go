package temporal

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger passes errors of the server to slog, and warnings while it is serving. Starting and stopping in one process it
// warns of much that is no trouble: services that are not there yet, or not any more.
type logger struct {
	to      *slog.Logger
	serving *atomic.Bool
}

var _ log.WithLogger = logger{}

// fatal is what the server panics with instead of ending the process by itself.
type fatal string

func (f fatal) Error() string { return string(f) }

func newLogger(to *slog.Logger) logger { return logger{to: to, serving: new(atomic.Bool)} }

func (l logger) With(tags ...tag.Tag) log.Logger {
	return logger{to: slog.New(l.to.Handler().WithAttrs(attributes(tags))), serving: l.serving}
}

func (logger) Debug(string, ...tag.Tag) {}
func (logger) Info(string, ...tag.Tag)  {}

func (l logger) Warn(msg string, tags ...tag.Tag) {
	if l.serving.Load() {
		l.log(slog.LevelWarn, msg, tags)
	}
}

func (l logger) Error(msg string, tags ...tag.Tag)  { l.log(slog.LevelError, msg, tags) }
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

func (l logger) Panic(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	panic(fatal(describe(msg, tags)))
}

// Fatal must not return. It panics: during Start that becomes an error, later it ends the process like the original.
func (l logger) Fatal(msg string, tags ...tag.Tag) { l.Panic(msg, tags...) }

func (l logger) log(level slog.Level, msg string, tags []tag.Tag) {
	l.to.LogAttrs(context.Background(), level, "temporal: "+msg, attributes(tags)...) //nolint:sloglint // the server's own words
}

func attributes(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(tags))
	for _, t := range tags {
		attrs = append(attrs, slog.Any(t.Key(), t.Value()))
	}
	return attrs
}

func describe(msg string, tags []tag.Tag) string {
	var text strings.Builder
	text.WriteString(msg)
	for _, t := range tags {
		fmt.Fprintf(&text, " %s=%v", t.Key(), t.Value())
	}
	return text.String()
}
