package command

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/dsl"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE...]",
		Short: "Explain a problem code: what it means, a wrong and a right example; without a code, list them all",
		Example: "  rapport explain R0002\n" +
			"  rapport explain",
		ValidArgsFunction: completeCodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			sections := problemSections()
			s := styleOf(cmd.OutOrStdout())
			if len(args) == 0 {
				listCodes(cmd.OutOrStdout(), sections, s)
				return nil
			}
			for i, arg := range args {
				section, err := findSection(sections, arg)
				if err != nil {
					return err
				}
				if i > 0 {
					cmd.Println()
				}
				explain(cmd.OutOrStdout(), section, s)
			}
			return nil
		},
	}
}

// explain prints a section as plain text: its examples are indented instead of fenced.
func explain(w io.Writer, section *section, s style) {
	var b strings.Builder
	b.WriteString(s.bold(section.code+" "+section.title) + "\n\n")
	fenced := false
	for line := range strings.Lines(section.text) {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced && strings.TrimSpace(line) != "":
			b.WriteString("    " + line)
		case fenced:
			b.WriteByte('\n')
		default:
			b.WriteString(wrap(line, 100))
		}
	}
	if !strings.HasSuffix(b.String(), "\n") {
		b.WriteByte('\n')
	}
	write(w, b.String())
}

// wrap breaks a line of text at a width. The newline at its end stays.
func wrap(line string, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(line) {
		n := len([]rune(word))
		switch {
		case column == 0:
		case column+1+n > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	if strings.HasSuffix(line, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

func listCodes(w io.Writer, sections []section, s style) {
	var b strings.Builder
	groups := problemGroups()
	last := ""
	for _, section := range sections {
		if prefix := section.code[:3]; prefix != last {
			if last != "" {
				b.WriteByte('\n')
			}
			last = prefix
			for _, g := range groups {
				if strings.HasPrefix(g.codes, prefix) {
					b.WriteString(s.bold(g.codes+"  "+g.about) + "\n")
				}
			}
		}
		b.WriteString(section.code + "  " + section.title + "\n")
	}
	write(w, b.String())
}

// findSection finds the section of a code, which may be written r2 or 0002 as well.
func findSection(sections []section, arg string) (*section, error) {
	code := normalCode(arg)
	for i := range sections {
		if sections[i].code == code {
			return &sections[i], nil
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "there is no problem code %q", arg)
	if near := nearCodes(sections, code); len(near) > 0 {
		b.WriteString("; the nearest are:")
		for _, n := range near {
			b.WriteString("\n  " + n.code + "  " + n.title)
		}
	} else {
		b.WriteString("; the codes are:")
		for _, g := range problemGroups() {
			b.WriteString("\n  " + g.codes + "  " + g.about)
		}
	}
	b.WriteString("\nRun `rapport explain` for all of them.")
	return nil, &textError{b.String()}
}

// textError is an error of several lines, for a person.
type textError struct{ text string }

func (e *textError) Error() string { return e.text }

// normalCode writes a code as the page does, if it can be one.
func normalCode(arg string) string {
	number, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(arg), "R"))
	if err != nil || number < 0 || number > 9999 {
		return strings.ToUpper(arg)
	}
	return fmt.Sprintf("R%04d", number)
}

// nearCodes returns the codes beside one that does not exist, or one that is a typing error away.
func nearCodes(sections []section, code string) []section {
	if !isCode(code) {
		codes := make([]string, len(sections))
		for i, s := range sections {
			codes[i] = s.code
		}
		if code = dsl.Nearest(code, codes); code == "" {
			return nil
		}
	}
	at := len(sections)
	for i, s := range sections {
		if s.code >= code {
			at = i
			break
		}
	}
	return sections[max(min(at, len(sections)-1)-1, 0):min(at+2, len(sections))]
}

func completeCodes(_ *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	for _, s := range problemSections() {
		if strings.HasPrefix(s.code, strings.ToUpper(toComplete)) {
			all = append(all, cobra.CompletionWithDesc(s.code, s.title))
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}
