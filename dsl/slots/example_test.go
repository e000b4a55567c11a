package slots_test

import (
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// A lead and the hiring manager meet a candidate. Ada then declines, and Bo steps in.
func Example() {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // a Monday
	interviewer := func(id string, recent int, groups ...string) slots.Person {
		return slots.Person{Interviewer: crm.Interviewer{ID: id, Groups: groups, Active: true}, Recent: recent}
	}
	f, err := slots.New(slots.Search{
		Seats:  []slots.Seat{{Any: 1, Group: "backend-leads"}, {Person: "grace"}},
		People: []slots.Person{interviewer("ada", 2, "backend-leads"), interviewer("bo", 3, "backend-leads"), interviewer("grace", 0)},
		Length: time.Hour, Buffer: 15 * time.Minute, Hours: crm.DayPart{From: 10 * 60, To: 16 * 60},
		Office: daily([]crm.DayPart{{From: 9 * 60, To: 17 * 60}}, workdays()...),
		Now:    now, NotBefore: now.AddDate(0, 0, 1), Until: now.AddDate(0, 0, 7), Count: 3,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	offered := f.Offer()
	for _, s := range offered.Slots {
		fmt.Println(s.Start.Format("Mon 15:04"), s.IDs())
	}
	first := offered.Slots[0]
	fmt.Println("ada:", first.Panel[0].Why())
	if instead, ok := f.Replace(first.Start, first.IDs(), "ada"); ok {
		fmt.Println("instead:", instead.IDs())
	}
	// Output:
	// Tue 10:00 [ada grace]
	// Wed 12:00 [ada grace]
	// Thu 11:00 [ada grace]
	// ada: 2 interviews in 4 weeks, fewest of 2
	// instead: [bo grace]
}
