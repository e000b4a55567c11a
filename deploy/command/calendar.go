package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

func calendarCommand(r *remote) *cobra.Command {
	cmd := &cobra.Command{Use: "calendar", Aliases: []string{"calendars"}, Short: "Connect, check and forget the calendars of interviewers", Args: cobra.NoArgs}
	cmd.AddCommand(addCalendarCommand(r), removeCalendarCommand(r), checkCalendarsCommand(r))
	return cmd
}

func addCalendarCommand(r *remote) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "add PERSON KIND [ADDRESS]",
		Short: "Connect a calendar of an interviewer, or give one that is connected a new secret",
		Long: `Connect a calendar of an interviewer, who is named by id or email address. KIND is one of

  own        Rapport's own: what is booked here is all there is
  ics        a feed at the URL ADDRESS, which is only read
  caldav     the calendar at the URL ADDRESS; --account is the user, the secret their password
  google     the calendar ADDRESS of the Google account --account, its main one without ADDRESS; the secret is a refresh token:
             "connect" makes a link by which its owner gives one
  microsoft  likewise, of a Microsoft account

The secret is asked for, or read from standard input when that is no terminal:

  pass show maya-dav | rapport interviewers calendar add maya@trust.example caldav https://dav.trust.example/maya/ --account maya

It is sealed before it is stored, and shown to nobody.`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			in := api.CalendarInput{Kind: crm.CalendarKind(args[1]), Account: account}
			if len(args) > 2 {
				in.Address = args[2]
			}
			if in.Kind != crm.CalendarOwn && in.Kind != crm.CalendarICS {
				if in.Secret, err = readSecret(cmd); err != nil {
					return err
				}
			}
			connected, err := c.PutCalendar(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			cmd.Printf("connected %s (%s)\n", connected.ID, connected.Kind)
			return nil
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the user's name at the calendar's server")
	return cmd
}

// maxSecret bounds what is read of a secret, in bytes.
const maxSecret = 20_000

// readSecret asks for a secret without showing it, or reads it from what is piped in. A flag would show it in the list of processes.
func readSecret(cmd *cobra.Command) (string, error) {
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		cmd.PrintErr("Password or token: ")
		raw, err := term.ReadPassword(int(f.Fd()))
		cmd.PrintErrln()
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		return string(raw), nil
	}
	raw, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if len(raw) > maxSecret {
		return "", errors.New("what is piped in is no secret: it is too long")
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

func removeCalendarCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "remove PERSON CALENDAR",
		Short: "Forget a calendar, by its id, and what opens it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			if err := c.RemoveCalendar(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			cmd.Printf("forgot %s\n", args[1])
			return nil
		},
	}
}
