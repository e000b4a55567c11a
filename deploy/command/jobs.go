package command

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

func jobsCommand() *cobra.Command {
	var r remote
	var asJSON, watch, open bool
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "What is done for many candidates at once, and how far it is",
		Long: `Show jobs, the newest first: events told to pools, members enrolled by a publication or at a campaign's date, pools that everybody
is looked at again for. With --watch, wait until all of them are finished.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			if watch {
				return watchJobs(cmd, c)
			}
			jobs, err := allJobs(cmd.Context(), c, open)
			if err != nil {
				return err
			}
			return printJobs(cmd, jobs, asJSON)
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	cmd.Flags().BoolVar(&open, "open", false, "only those that are not finished")
	cmd.Flags().BoolVar(&watch, "watch", false, "show how far the open ones are, until all are finished")
	cmd.MarkFlagsMutuallyExclusive("watch", "json")
	return cmd
}

func allJobs(ctx context.Context, c *client.Client, open bool) ([]crm.Job, error) {
	return collect(func(after string) (api.Page[crm.Job], error) { return c.Jobs(ctx, open, 500, after) })
}

func printJobs(cmd *cobra.Command, jobs []crm.Job, asJSON bool) error {
	if asJSON {
		out := json.NewEncoder(cmd.OutOrStdout())
		for i := range jobs {
			if err := out.Encode(&jobs[i]); err != nil {
				return fmt.Errorf("write job: %w", err)
			}
		}
		return nil
	}
	if len(jobs) == 0 {
		cmd.Println("no jobs")
		return nil
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CREATED\tJOB\tLOOKED AT\tFOUND\tSTATE")
	for i := range jobs {
		j := &jobs[i]
		fmt.Fprintf(table, "%s\t%s\t%d of %d\t%d\t%s\n", j.CreatedAt.UTC().Format("2006-01-02 15:04:05"), jobName(j), j.Done, j.Total, j.Found, jobState(j))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write jobs: %w", err)
	}
	return nil
}

// jobName says what a job is for.
func jobName(j *crm.Job) string {
	pools := strings.Join(j.Pools, ", ")
	switch j.Kind {
	case crm.JobFanout:
		return after("tell "+j.EventID, " to ", pools)
	case crm.JobMembers:
		return "enroll " + pools + " into " + j.Definition
	case crm.JobCampaign:
		return "enroll " + pools + " into " + j.Definition + " of " + j.Date.UTC().Format("2006-01-02 15:04")
	case crm.JobPool:
		if !j.Date.IsZero() {
			return "look at " + pools + " of " + j.Date.UTC().Format(time.DateOnly)
		}
		return "look at " + pools
	}
	return string(j.Kind)
}

// jobState says how it went, or why it goes on later.
func jobState(j *crm.Job) string {
	switch {
	case !j.FinishedAt.IsZero():
		return after("finished", ": ", words(j.Error))
	case j.Error != "":
		return "failed, is tried again: " + words(j.Error)
	case j.StartedAt.IsZero():
		return "waiting"
	case j.NotBefore.After(j.WorkedAt):
		return "rests until " + j.NotBefore.UTC().Format("2006-01-02 15:04:05")
	}
	return "running"
}

const (
	watchEvery = 300 * time.Millisecond
	// watchAtLeast is how often a watch looks before it believes that there is nothing to see: what was published just now
	// becomes a job a moment later.
	watchAtLeast = 5
)

// watchJobs shows the open jobs as one bar, and each of them as a line once it is finished.
func watchJobs(cmd *cobra.Command, c *client.Client) error {
	watched := map[string]crm.Job{}
	progress := newBar(cmd, "candidates", -1, progressbar.OptionShowBytes(false), progressbar.OptionShowCount())
	defer progress.done()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for looks := 1; ; looks++ {
		open, err := allJobs(cmd.Context(), c, true)
		if err != nil {
			return err
		}
		finished := maps.Clone(watched)
		for i := range open {
			watched[open[i].ID] = open[i]
			delete(finished, open[i].ID)
		}
		if err := tellFinished(cmd, c, watched, finished); err != nil {
			return err
		}
		if len(open) == 0 && (len(watched) > 0 || looks >= watchAtLeast) {
			return nil
		}
		var done, total int64
		for _, j := range watched {
			done, total = done+j.Done, total+j.Total
		}
		progress.bar.ChangeMax64(max(total, 1))
		progress.set(done, total)
		select {
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		case <-tick.C:
		}
	}
}

// tellFinished prints the jobs that are no longer open as they ended.
func tellFinished(cmd *cobra.Command, c *client.Client, watched, finished map[string]crm.Job) error {
	if !slices.ContainsFunc(slices.Collect(maps.Values(finished)), func(j crm.Job) bool { return j.FinishedAt.IsZero() }) {
		return nil
	}
	jobs, err := allJobs(cmd.Context(), c, false)
	if err != nil {
		return err
	}
	for i := range jobs {
		j := &jobs[i]
		if before, ok := finished[j.ID]; ok && before.FinishedAt.IsZero() {
			watched[j.ID] = *j
			cmd.Printf("%s: %d found among %d, %s\n", jobName(j), j.Found, j.Done, jobState(j))
		}
	}
	return nil
}
