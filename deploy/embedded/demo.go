package embedded

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/examples"
)

// demo applies the examples, imports their cast and plays what they do, through the API as anybody would. All of it can be
// repeated: after a restart nothing happens twice.
func (u *up) demo(ctx context.Context) error {
	key, err := os.ReadFile(u.keyFile)
	if err != nil {
		return fmt.Errorf("read admin key: %w", err)
	}
	c := client.New(u.apiURL, strings.TrimSpace(string(key)))
	files, err := exampleFiles()
	if err != nil {
		return err
	}
	if _, err := c.ApplyDefinitions(ctx, files); err != nil {
		return fmt.Errorf("apply examples: %w", err)
	}
	if _, err := c.ImportCandidates(ctx, bytes.NewReader(examples.Candidates), client.ImportOptions{}); err != nil {
		return fmt.Errorf("import demo candidates: %w", err)
	}
	people, err := c.ImportInterviewers(ctx, bytes.NewReader(examples.Interviewers), client.InterviewerOptions{})
	if err != nil {
		return fmt.Errorf("import demo interviewers: %w", err)
	}
	if len(people.Problems) > 0 {
		return fmt.Errorf("import demo interviewers: %w", people.Problems[0])
	}
	if _, err := c.SendEvents(ctx, bytes.NewReader(examples.Events), client.SendOptions{}); err != nil {
		return fmt.Errorf("play demo events: %w", err)
	}
	return nil
}

func exampleFiles() ([]api.DefinitionFile, error) {
	var files []api.DefinitionFile
	err := fs.WalkDir(examples.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(examples.Files, path)
		files = append(files, api.DefinitionFile{Path: "examples/" + path, Text: string(text)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read examples: %w", err)
	}
	return files, nil
}
