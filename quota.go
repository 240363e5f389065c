package satchel

import "time"

// Quota is what an organization or a workspace may use. nil is no limit; zero allows nothing.
type Quota struct {
	Bytes        *int64 // of all contents together, until they are removed for good
	Files        *int64
	FileBytes    *int64 // of the largest file
	TokensPerDay *int64 // that a language model reads and writes, UTC days
}

// Unlimited reports whether the quota says nothing.
func (q Quota) Unlimited() bool { return q == Quota{} }

// WorkspaceSettings are what holds for the files of one workspace. The zero value is that nothing was set.
type WorkspaceSettings struct {
	NoAI         bool          // no language model is asked about these files
	Instructions string        // for uploads that bring none and whose purpose is processed; empty: none
	Schema       string        // a JSON Schema, for uploads that bring none; empty: none
	Lifetime     time.Duration // from creation to expiry, for uploads that say nothing of it; zero: they do not expire
	Quota        Quota
}

// Rules are what holds in a workspace: what its organization may use, and its own settings.
type Rules struct {
	Org       Quota
	Workspace WorkspaceSettings
}

// Unlimited reports whether nothing has to be counted.
func (r Rules) Unlimited() bool { return r.Org.Unlimited() && r.Workspace.Quota.Unlimited() }

// Amount is a number of files and of the bytes of their contents.
type Amount struct{ Files, Bytes int64 }

// Add gives the sum.
func (a Amount) Add(b Amount) Amount { return Amount{a.Files + b.Files, a.Bytes + b.Bytes} }

// Usage is what a workspace, or an organization as a whole, uses.
type Usage struct {
	Workspace WorkspaceID // empty: the organization as a whole
	Amount
	Today  Tokens // on the present day (UTC)
	Tokens Tokens // on all days that were asked for, the present one included
}

// SettingsPatch changes WorkspaceSettings: what is nil stays.
type SettingsPatch struct {
	AI           *bool
	Instructions *string
	Schema       *string
	Lifetime     *time.Duration
	Quota        QuotaPatch
}

// QuotaPatch changes a Quota: limits that are not set stay.
type QuotaPatch struct{ Bytes, Files, FileBytes, TokensPerDay LimitPatch }

// LimitPatch is a new limit, or none.
type LimitPatch struct {
	Set  bool
	Most *int64 // nil: no limit
}

// Apply gives the settings after the change.
func (p SettingsPatch) Apply(s WorkspaceSettings) WorkspaceSettings {
	if p.AI != nil {
		s.NoAI = !*p.AI
	}
	s.Instructions = valueOr(p.Instructions, s.Instructions)
	s.Schema = valueOr(p.Schema, s.Schema)
	s.Lifetime = valueOr(p.Lifetime, s.Lifetime)
	s.Quota = p.Quota.Apply(s.Quota)
	return s
}

// Apply gives the quota after the change.
func (p QuotaPatch) Apply(q Quota) Quota {
	p.Bytes.apply(&q.Bytes)
	p.Files.apply(&q.Files)
	p.FileBytes.apply(&q.FileBytes)
	p.TokensPerDay.apply(&q.TokensPerDay)
	return q
}

func (p LimitPatch) apply(to **int64) {
	if p.Set {
		*to = p.Most
	}
}

func valueOr[T any](p *T, or T) T {
	if p == nil {
		return or
	}
	return *p
}

// Names gives what the change names, in the words of the API.
func (p SettingsPatch) Names() []string {
	return append(given([]named{
		{"ai", p.AI != nil}, {"instructions", p.Instructions != nil}, {"metadata_schema", p.Schema != nil}, {"expires_after", p.Lifetime != nil},
	}), p.Quota.Names()...)
}

// Names gives the limits that the change names, in the words of the API.
func (p QuotaPatch) Names() []string {
	return given([]named{
		{"bytes", p.Bytes.Set}, {"files", p.Files.Set}, {"file_bytes", p.FileBytes.Set}, {"tokens_per_day", p.TokensPerDay.Set},
	})
}

type named struct {
	name  string
	given bool
}

func given(all []named) (names []string) {
	for _, each := range all {
		if each.given {
			names = append(names, each.name)
		}
	}
	return names
}
