package postgres

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the first release with everything Rapport and Temporal ask of Postgres.
const oldestMajor = 14

// binaries is a folder with the programs of one Postgres release.
type binaries struct {
	dir   string
	major int
}

func (b binaries) program(name string) string { return filepath.Join(b.dir, name) }

// findBinaries picks the programs to use. An existing data folder can only be served by the release that made it.
func findBinaries(ctx context.Context, c Config) (binaries, error) {
	dataMajor := readMajor(c.dataDir())
	folders := []string{c.Binaries}
	if c.Binaries == "" {
		folders = searchFolders(ctx)
	}
	var found []binaries
	for _, dir := range folders {
		if b, ok := inspectBinaries(ctx, dir); ok {
			found = append(found, b)
		}
	}
	for _, b := range found {
		if b.major == dataMajor || dataMajor == 0 && b.major >= oldestMajor {
			return b, nil
		}
	}
	if c.Binaries != "" {
		return binaries{}, notInstalled(nil, dataMajor, c.Binaries, found)
	}
	b, err := fetchBinaries(ctx, dataMajor)
	if err != nil {
		return binaries{}, notInstalled(err, dataMajor, "PATH, /usr/lib/postgresql, Homebrew and the other usual folders", found)
	}
	return b, nil
}

// searchFolders lists where installers put Postgres, the folder of PATH first and newer releases before older ones.
func searchFolders(ctx context.Context) []string {
	var folders []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                                  // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                           // Red Hat, from postgresql.org
		"/opt/homebrew/opt/postgresql@*/bin",                         // Homebrew on Apple silicon
		"/usr/local/opt/postgresql@*/bin",                            // Homebrew on Intel
		"/Applications/Postgres.app/Contents/Versions/*/bin",         // Postgres.app
		"/Library/PostgreSQL/*/bin",                                  // EDB installer on macOS
		"/usr/local/pgsql/bin",                                       // built from source
		"/run/current-system/sw/bin",                                 // NixOS
		"/usr/libexec/postgresql*", "/opt/local/lib/postgresql*/bin", // Alpine, MacPorts
	} {
		matches, _ := filepath.Glob(pattern) // the patterns are constants and well-formed
		slices.SortFunc(matches, func(a, b string) int { return cmp.Compare(numberIn(b), numberIn(a)) })
		folders = append(folders, matches...)
	}
	if output, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(output)))
	}
	return unique(folders)
}

func inspectBinaries(ctx context.Context, dir string) (binaries, bool) {
	b := binaries{dir: dir}
	if _, err := os.Stat(b.program("initdb")); err != nil {
		return b, false
	}
	output, err := exec.CommandContext(ctx, b.program("postgres"), "--version").Output() //nolint:gosec // a folder we searched or the operator named
	if err != nil {
		return b, false
	}
	b.major = numberIn(string(output))
	return b, true
}

// readMajor returns the release that made the data folder, or 0 when there is no data yet.
func readMajor(dataDir string) int {
	text, err := os.ReadFile(filepath.Join(dataDir, "PG_VERSION")) //nolint:gosec // the operator's own folder
	if err != nil {
		return 0
	}
	return numberIn(string(text))
}

// numberIn returns the first whole number in text, or 0.
func numberIn(text string) int {
	n, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(text))
	if err != nil {
		return 0
	}
	return n
}

func unique(values []string) []string {
	var kept []string
	for _, v := range values {
		if !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// notInstalled tells what was wanted, where it was looked for and what was found instead.
func notInstalled(cause error, dataMajor int, where string, found []binaries) *Error {
	wanted, debian := fmt.Sprintf("Postgres %d or newer", oldestMajor), "postgresql"
	if dataMajor != 0 {
		wanted, debian = fmt.Sprintf("Postgres %d, which made the data folder,", dataMajor), fmt.Sprintf("postgresql-%d", dataMajor)
	}
	has := "nothing"
	if len(found) > 0 {
		var names []string
		for _, b := range found {
			names = append(names, fmt.Sprintf("Postgres %d in %s", b.major, b.dir))
		}
		has = "only " + strings.Join(names, ", ")
	}
	fetched := ""
	if cause != nil {
		fetched = fmt.Sprintf(", and it could not be downloaded either (%v)", cause)
	}
	return problem(NotInstalled, cause,
		"%s was looked for in %s, and %s was found%s; install it (apt-get install %s, brew install postgresql) and start again",
		wanted, where, has, fetched, debian)
}
