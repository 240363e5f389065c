package satchel

import "time"

// Change is why a file's metadata became what it is; the store keeps one for every version of the metadata.
type Change struct {
	User        UserID    // who asked for it
	At          time.Time // when it was committed
	Edit        string    // what was asked for or done, as JSON: a merge patch (RFC 7396), or the whole object when Replace is set; for a model, an Edit
	Replace     bool      // Edit replaced everything that was there before
	Model       string    // the model that wrote it; empty: a person did
	Instruction string    // what the model was told
	Run         RunID     // in which run; empty: none
	Evidence    string    // JSON: for top-level keys, where in the text their values stand
	Tokens      Tokens
	Failure     *Failure // the instruction failed, and nothing was changed
	Reverts     int64    // the version whose change this one takes back; 0: none
	Restores    int64    // the version whose state this one brings back; 0: none
	Confirms    []string // top-level keys whose values a person gave again as they were, and so made its own; a Version has them in Keys alone
}

// Version is one state that a file's metadata was in, without the state itself.
type Version struct {
	Number int64 // 1 for the first, one more with each
	Change
	Keys []string // the top-level keys that differ from the state before, or were confirmed, sorted
}
