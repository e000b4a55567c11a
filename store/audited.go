package store

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// audited is what the audit log says of opt-outs that somebody enters. What candidates and providers say are events, which are kept anyway.
func (l *locking) audited(ctx context.Context) []crm.AuditRecord {
	if crm.ActorOf(ctx) == crm.ActorRapport {
		return nil
	}
	var told []crm.AuditRecord
	for i := range l.optOuts {
		o := &l.optOuts[i]
		record := crm.AuditRecord{Action: crm.AuditCreate, Kind: "suppression", Detail: string(o.Channel) + " " + string(o.Reason), Parts: crm.About(l.concerned(o)...)}
		if o.Undo {
			record.Action = crm.AuditRemove
		}
		if o.Address != "" { // by the hash under which it is suppressed, which stays as long
			record.Parts = append(record.Parts, crm.AuditPart{Name: "address", Value: hex.EncodeToString(hashAddress(l.key, o.Channel, o.Address))})
		}
		told = append(told, record)
	}
	return told
}

// audited is what the audit log says of the consents and holds that somebody enters.
func (u *upsert) audited(ctx context.Context) []crm.AuditRecord {
	if crm.ActorOf(ctx) == crm.ActorRapport {
		return nil
	}
	consents := crm.AuditRecord{At: u.at, Action: crm.AuditChange, Kind: "consent"}
	var told []crm.AuditRecord
	for _, d := range u.drafts {
		if len(d.added) > 0 {
			consents.Parts = append(consents.Parts, crm.About(d.now.ID)...)
		}
		for i := range d.added {
			consents.Parts = append(consents.Parts, crm.AuditPart{Owner: d.now.ID, Name: "consent", Value: said(&d.added[i])})
		}
		if before := d.before != nil && d.before.LegalHold; d.now.LegalHold != before {
			hold := crm.AuditRecord{At: u.at, Action: crm.AuditRelease, Kind: "candidate", Parts: crm.About(d.now.ID)}
			if d.now.LegalHold {
				hold.Action = crm.AuditHold
			}
			told = append(told, hold)
		}
	}
	if len(consents.Parts) > 0 {
		told = append(told, consents)
	}
	return told
}

// said is a consent in words: talent-community email granted.
func said(c *crm.Consent) string {
	word := "revoked"
	switch {
	case c.Granted && c.Pending:
		word = "asked for"
	case c.Granted:
		word = "granted"
	}
	return c.Purpose + " " + string(c.Channel) + " " + word
}

// audited is what the audit log says of an erasure: the receipt by its id, and to whom it was only as a commitment that nothing opens.
func (e *erasing) audited(r *crm.ErasureReceipt) crm.AuditRecord {
	return crm.AuditRecord{
		At: e.At, Action: crm.AuditErase, Kind: "candidate", Object: r.ID, Detail: r.Mode + " " + r.Rule + " " + r.Reason, Parts: crm.About(r.Candidate),
	}
}

// tellRequest is what the audit log says of a request of a candidate: nothing that somebody wrote.
func tellRequest(action string, r *crm.PrivacyRequest, what string, now time.Time) crm.AuditRecord {
	return crm.AuditRecord{At: now, Action: action, Kind: "request", Object: r.ID, Detail: string(r.Kind) + " " + what, Parts: crm.About(r.CandidateID)}
}

// changedRequest is what the audit log says of a request that has changed, whoever did it: the request itself goes with its candidate.
func changedRequest(was, r *crm.PrivacyRequest, now time.Time) []crm.AuditRecord {
	what := strings.TrimSpace(string(r.State) + " " + string(r.Ground))
	switch {
	case r.State != was.State:
	case !r.DueAt.Equal(was.DueAt):
		what = "extended"
	default: // somebody was reminded
		return nil
	}
	return []crm.AuditRecord{tellRequest(crm.AuditChange, r, what, now)}
}

// tellRetention is what the audit log says of a run of a retention policy that somebody has begun or decided about.
func tellRetention(action, policy, day string, now time.Time) crm.AuditRecord {
	return crm.AuditRecord{At: now, Action: action, Kind: "retention", Object: policy + "/" + day}
}
