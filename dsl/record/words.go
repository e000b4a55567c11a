package record

import (
	"strconv"
	"strings"
)

// What Markdown and HTML have in common.

func (r *Record) title() string {
	if r.Controller.Name != "" {
		return r.Controller.Name
	}
	return r.Workspace
}

// origin says what the record is made of.
func (r *Record) origin() string {
	if r.Settings {
		return "and the settings of the server"
	}
	return "the settings of a server are not known"
}

// Rows are what is known of a controller, with empty values for what has to be there and is not.
func (c *Controller) Rows() [][2]string {
	rows := [][2]string{{"name", c.Name}, {"address", c.Address}, {"email", c.Email}, {"data protection officer", c.DPO}}
	for _, may := range [][2]string{{"country", c.Country}, {"joint controller", c.Joint}, {"representative", c.Representative}} {
		if may[1] != "" {
			rows = append(rows, may)
		}
	}
	return rows
}

// Rows are what is known of an activity.
func (a *Activity) Rows() [][2]string {
	var rows [][2]string
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, [2]string{name, value})
		}
	}
	add("purpose", joined(a.Purposes))
	add("basis", strings.Join(a.Basis, "; "))
	add("whose data", joined(a.Subjects))
	for _, d := range a.Data {
		add(string(d.Category)+" data", joined(d.Fields))
	}
	add("sets", joined(a.Writes))
	if add("recipients", joined(a.Recipients)); len(a.Recipients) == 0 {
		add("recipients", "none")
	}
	add("owner", a.Owner)
	return rows
}

// count is how many candidates have an attribute, as far as that is known.
func (a *Attribute) count() string {
	if a.Candidates == nil {
		return "not known"
	}
	return strconv.FormatInt(*a.Candidates, 10)
}

func joined(list []string) string { return strings.Join(list, ", ") }
