// Package calendartest is what every calendar must do, whoever keeps it (Run), what texts of iCalendar come to, whoever reads them
// (Cases), and what servers in tests have in common: tokens that expire (Issuer) and answers that get lost (Gate). It is for tests alone.
package calendartest
