package retention

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Rules are policies that are in force together. They are immutable and safe for concurrent use.
type Rules struct {
	policies  []policy // by name
	workspace *dsl.Workspace
}

// policy is a policy with its zone.
type policy struct {
	*dsl.Retention
	zone *time.Location
}

// New makes the policies of a set ready: those named, or all of them. The error names a policy that there is not, or whose zone
// is none.
func New(set *dsl.Set, names ...string) (*Rules, error) {
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(set.Retentions))
	}
	r := &Rules{workspace: set.Workspace}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		p := set.Retentions[name]
		if p == nil {
			return nil, fmt.Errorf("find retention policy %q: there is none of this name", name)
		}
		zone, err := wallclock.Zone(p.Zone)
		if err != nil {
			return nil, fmt.Errorf("read retention policy %q: %w", name, err)
		}
		r.policies = append(r.policies, policy{p, zone})
	}
	return r, nil
}

// Names lists the policies, sorted.
func (r *Rules) Names() []string {
	names := make([]string, len(r.policies))
	for i := range r.policies {
		names[i] = r.policies[i].Name
	}
	return names
}

// Policy returns a policy by its name, or nil.
func (r *Rules) Policy(name string) *dsl.Retention {
	if p := r.find(name); p != nil {
		return p.Retention
	}
	return nil
}

func (r *Rules) find(name string) *policy {
	i, ok := slices.BinarySearchFunc(r.policies, name, func(p policy, name string) int { return strings.Compare(p.Name, name) })
	if !ok {
		return nil
	}
	return &r.policies[i]
}

// Reads lists the types of the events that a case needs in Said, sorted. consent.granted is not among them: consents are known.
func (r *Rules) Reads() []string {
	types := map[string]bool{}
	for i := range r.policies {
		if n := r.policies[i].Notice; n != nil {
			for _, t := range n.On {
				types[t] = t != crm.EventConsentGranted
			}
		}
	}
	maps.DeleteFunc(types, func(_ string, read bool) bool { return !read })
	return slices.Sorted(maps.Keys(types))
}

// calendar is that of business days.
func (r *Rules) calendar() *dsl.Calendar {
	if r.workspace == nil {
		return nil
	}
	return r.workspace.Calendar
}
