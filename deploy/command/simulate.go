package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

const (
	formatTable = "table"
	formatSVG   = "svg"
)

// simulateFlags are what a simulation is asked for.
type simulateFlags struct {
	remote

	files                        []string
	fields, consents, events     []string
	script, candidates, recorded string
	interviewers, manager        string
	start, until, out            string
	format                       choice
	history, actual, totals      bool
}

func simulateCommand() *cobra.Command {
	f := &simulateFlags{format: choice{value: formatTable, known: []string{formatTable, formatJSON, formatSVG}}}
	cmd := &cobra.Command{
		Use:   "simulate NAME...",
		Short: "Play sequences for one candidate, a file of them, or recorded history; nothing is sent or written",
		Long: `Play sequences together, with the code that production runs and on a clock that does not wait: who would be enrolled, what
each would get and when, and what would be skipped and why.

Whom they are played for: one candidate (--candidate, --consent, --event, --script), a file of candidates (--candidates, with
the columns of ` + "`rapport candidates import`" + `), recorded events (--events, as ` + "`rapport events send`" + ` takes them, with or without
--candidates), or the server's own candidates and history (--server-history). Candidates are as they are now, or as the file
says; what they did happens at its time. A message is taken at once, a call answered ok.

Of an interview, what is shown is who would be offered what from now on, and then the course of it if the candidate picks the first
time and every scorecard is good: unless --event or --script say what happens.

Nothing is written and no provider is called. With --against-actual, what would have been sent is held against what the server
did send.`,
		Example: "  rapport simulate silver-medallist-nurses --file definitions --candidate first_name=Sarah --candidate functions='[nursing]' \\\n" +
			"    --consent talent-community:email,sms --event 'application.rejected:{reason: silver_medallist}'\n" +
			"  rapport simulate silver-medallist-nurses --file definitions --candidates candidates.csv --events events.jsonl\n" +
			"  rapport simulate silver-medallist-nurses --file definitions --server-history --against-actual --format svg --out history.svg\n" +
			"  rapport simulate backend-onsite --file definitions --interviewers people.csv --hiring-manager anders@trust.example",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.declare(cmd)
	return cmd
}

func (f *simulateFlags) declare(cmd *cobra.Command) {
	f.flags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "file", "f", []string{"."}, "files or folders with the definitions")
	flags.StringArrayVar(&f.fields, "candidate", nil, "a field of the candidate: first_name=Sarah, functions='[nursing, care]', attributes.band=5")
	flags.StringArrayVar(&f.consents, "consent", nil, "a purpose the candidate agreed to, with the channels: talent-community or talent-community:email,sms")
	flags.StringArrayVar(&f.events, "event", nil, "what happens, in order: TYPE, TYPE:{DATA}, or an entry as in a test's script: '{after: 5d, on: message.replied}'")
	flags.StringVar(&f.script, "script", "", "a file with a script, as in a test: a list of entries")
	flags.StringVar(&f.interviewers, "interviewers", "", "of an interview: who could hold it, a CSV file as for 'rapport interviewers import', or YAML as in a test; default: the server's, without their calendars")
	flags.StringVar(&f.manager, "hiring-manager", "", "of an interview: who decides about the role, by name in the YAML file or by address")
	flags.StringVar(&f.candidates, "candidates", "", "a CSV file of candidates")
	flags.StringVar(&f.recorded, "events", "", "a file of recorded events, one JSON object a line")
	flags.BoolVar(&f.history, "server-history", false, "the server's candidates, and what they did; the key needs candidates:read and events:read")
	flags.BoolVar(&f.actual, "against-actual", false, "list the differences from what the server really sent; goes with --server-history")
	flags.StringVar(&f.start, "start", "", "when it begins, such as 2026-10-23T10:00; default: now, or the first recorded event")
	flags.StringVar(&f.until, "until", "", "when it ends; default: a year after the last event, or when the runs end if that is later")
	flags.StringVar(&f.out, "out", "", "write to this file")
	flags.BoolVar(&f.totals, "totals", false, "only the totals")
	f.format.flag(cmd, "format", "how it is shown")
}

func (f *simulateFlags) run(cmd *cobra.Command, names []string) error {
	if f.actual && !f.history {
		return errors.New("--against-actual compares with what the server sent: add --server-history")
	}
	files, err := readFiles(f.files)
	if err != nil {
		return err
	}
	set, problems := dsl.Check(files, nil)
	if set == nil {
		printProblems(cmd.ErrOrStderr(), problems, files)
		return errNo
	}
	for _, name := range names {
		if set.Programs[name] == nil {
			known := make([]string, 0, len(set.Programs))
			for k := range set.Programs {
				known = append(known, k)
			}
			return fmt.Errorf("there is no sequence and no interview %q in %s.%s", name, strings.Join(f.files, ", "), meant(name, known))
		}
	}
	cast, err := f.cast(cmd, files, names, loops(set, names))
	if err != nil {
		return err
	}
	s := &simulation{names: names, cast: cast, set: set, totalsOnly: f.totals, against: f.actual}
	counter := newCounter(cmd, "simulating", len(cast))
	if err := s.play(cmd.Context(), play.On(set, names...), counter.one); err != nil {
		return err
	}
	counter.done()
	return f.write(cmd, s)
}

func (f *simulateFlags) write(cmd *cobra.Command, s *simulation) (err error) {
	out := cmd.OutOrStdout()
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return fmt.Errorf("write simulation: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	return s.write(out, f.format.value)
}

// simulation is what was played.
type simulation struct {
	names      []string
	set        *dsl.Set
	cast       []*actor
	totalsOnly bool
	against    bool
}

// actor is somebody for whom sequences are played.
type actor struct {
	name   string // how they are called in what is shown
	part   *play.Part
	actual []sent // what the server really sent them
	played *play.Timeline
}

// sent is a message that was sent: really, or in the play.
type sent struct {
	definition, step string
	at               time.Time
}

// play plays all parts, on all cores.
func (s *simulation) play(ctx context.Context, stage *play.Stage, done func()) error {
	var told sync.Mutex
	lanes, ctx := errgroup.WithContext(ctx)
	lanes.SetLimit(runtime.GOMAXPROCS(0))
	for _, a := range s.cast {
		lanes.Go(func() error {
			timeline, err := stage.Play(ctx, a.part)
			if err != nil {
				return fmt.Errorf("play %s: %w", a.name, err)
			}
			a.played = timeline
			told.Lock()
			defer told.Unlock()
			done()
			return nil
		})
	}
	return lanes.Wait()
}

func (s *simulation) write(out io.Writer, format string) error {
	switch format {
	case formatJSON:
		return s.json(out)
	case formatSVG:
		write(out, s.svg())
		return nil
	}
	s.table(out)
	return nil
}

// shown are the lines of an actor that say what became of them: of one candidate all, of many those that tests list, with who
// was enrolled.
func (s *simulation) shown(a *actor) []*play.Line {
	var lines []*play.Line
	for i := range a.played.Lines {
		l := &a.played.Lines[i]
		effect := l.Listed || l.Kind == play.LineEnrolled || l.Kind == play.LineKind(dsl.ExpectSkipped) || l.Problem != ""
		if len(s.cast) == 1 || effect && len(a.played.Runs) > 0 {
			lines = append(lines, l)
		}
	}
	return lines
}

// differences hold what was played against what was sent: by sequence and step, in order.
func (a *actor) differences() []string {
	type key struct{ definition, step string }
	times := map[key][2][]time.Time{}
	for _, m := range a.actual {
		k := key{m.definition, m.step}
		both := times[k]
		both[0] = append(both[0], m.at)
		times[k] = both
	}
	for i := range a.played.Messages {
		if m := &a.played.Messages[i]; !m.AcceptedAt.IsZero() {
			k := key{m.Definition, m.Step}
			both := times[k]
			both[1] = append(both[1], m.AcceptedAt)
			times[k] = both
		}
	}
	var all []string
	for k, both := range times {
		for i := range max(len(both[0]), len(both[1])) {
			what := k.definition + " › " + k.step
			switch {
			case i >= len(both[1]):
				all = append(all, fmt.Sprintf("%s: sent %s, would not be sent", what, both[0][i].In(a.played.Zone).Format(clock)))
			case i >= len(both[0]):
				all = append(all, fmt.Sprintf("%s: not sent, would be sent %s", what, both[1][i].In(a.played.Zone).Format(clock)))
			case both[0][i].Sub(both[1][i]).Abs() > actualSlack:
				all = append(all, fmt.Sprintf("%s: sent %s, would be sent %s", what, both[0][i].In(a.played.Zone).Format(clock), both[1][i].In(a.played.Zone).Format(clock)))
			}
		}
	}
	slices.Sort(all)
	return all
}

// actualSlack is how far a real send and a played one may be apart: a spread by jitter is no difference.
const actualSlack = time.Hour
