package httpapi

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/files"
)

// maxLimit bounds a limit of a quota: up to it every whole number is one in JSON, however it is written.
const maxLimit = 9e15

// part is an object inside a body: at is the way to it, from the top-level name. Its keys are all known ones: a setting that was mistyped must not
// look as if it held.
type part struct {
	at     []string
	object map[string]any
	faults *satchel.Faults
}

// partOf gives the object under key, empty when it is not there or null.
func partOf(object map[string]any, key string, at []string, faults *satchel.Faults) part {
	p := part{at: append(slices.Clone(at), key), faults: faults}
	value, isObject := object[key].(map[string]any)
	if object[key] != nil && !isObject {
		p.fault("", satchel.CodeInvalidType, "must be an object")
	}
	p.object = value
	return p
}

// fault notes that the value under key, or the part itself, is wrong.
func (p part) fault(key string, code satchel.Code, message string) {
	way := p.at
	if key != "" {
		way = append(slices.Clone(way), key)
	}
	p.faults.Add(satchel.BodyFault(code, way[0], way[1:], "%s %s", strings.Join(way, "."), message))
}

// only refuses other keys than these.
func (p part) only(known ...string) {
	for _, key := range slices.Sorted(maps.Keys(p.object)) {
		if !slices.Contains(known, key) {
			p.fault(key, satchel.CodeInvalidValue, "is no name that is known here: these are "+strings.Join(known, ", "))
		}
	}
}

// limit gives the limit under key.
func (p part) limit(key string) satchel.LimitPatch {
	value, there := p.object[key]
	if !there || value == nil {
		return satchel.LimitPatch{Set: there}
	}
	number, _ := value.(json.Number)
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || f != math.Trunc(f) || f < 0 || f > maxLimit {
		p.fault(key, satchel.CodeOutOfRange, "must be a whole number from 0 to 9e15, or null: no limit")
		return satchel.LimitPatch{}
	}
	n := int64(f)
	return satchel.LimitPatch{Set: true, Most: &n}
}

// quotaOf reads a change of a quota; null takes all of it back.
func quotaOf(object map[string]any, at []string, faults *satchel.Faults) satchel.QuotaPatch {
	value, there := object["quota"]
	if there && value == nil {
		none := satchel.LimitPatch{Set: true}
		return satchel.QuotaPatch{Bytes: none, Files: none, FileBytes: none, TokensPerDay: none}
	}
	p := partOf(object, "quota", at, faults)
	p.only("bytes", "files", "file_bytes", "tokens_per_day")
	return satchel.QuotaPatch{Bytes: p.limit("bytes"), Files: p.limit("files"), FileBytes: p.limit("file_bytes"), TokensPerDay: p.limit("tokens_per_day")}
}

// settingsOf reads a change of a workspace's settings; null takes all of them back.
func settingsOf(object map[string]any, faults *satchel.Faults) (patch satchel.SettingsPatch) {
	value, there := object["settings"]
	if there && value == nil {
		object = map[string]any{"settings": map[string]any{"ai": nil, "instructions": nil, "metadata_schema": nil, "expires_after": nil, "quota": nil}}
	}
	p := partOf(object, "settings", nil, faults)
	p.only("ai", "instructions", "metadata_schema", "expires_after", "quota")
	patch.AI = p.ai()
	patch.Quota = quotaOf(p.object, p.at, faults)
	faults.AddNew(p.within(p.defaults().Check(&patch)))
	return patch
}

func (p part) ai() *bool {
	value, there := p.object["ai"]
	if !there {
		return nil
	}
	on, isTruth := value.(bool)
	if value != nil && !isTruth {
		p.fault("ai", satchel.CodeInvalidType, "must be true or false")
	}
	on = on || value == nil
	return &on
}

// defaults reads what uploads get that leave it open. Null is none.
func (p part) defaults() (d files.Defaults) {
	d.Instructions = p.text("instructions")
	switch value, there := p.object["metadata_schema"]; value.(type) {
	case map[string]any:
		text := satchel.CanonicalJSON(value)
		d.Schema = &text
	case nil, string:
		if there {
			d.Schema = p.text("metadata_schema")
		}
	default:
		p.fault("metadata_schema", satchel.CodeInvalidType, "must be a JSON Schema, as an object or as a string, or null: none")
	}
	switch value, there := p.object["expires_after"]; value := value.(type) {
	case nil:
		d.Never = there
	case map[string]any:
		e, err := parseExpiry(value)
		if err != nil {
			p.faults.Add(p.within(err))
		} else {
			d.Expiry = &e
		}
	default:
		p.fault("expires_after", satchel.CodeInvalidType, `must be an object such as {"anchor": "created_at", "seconds": 86400}, or null: never`)
	}
	return d
}

// within gives faults that speak of the field of an upload the place of this part, under the field's name.
func (p part) within(err error) error {
	var found satchel.Faults
	found.Add(err)
	for _, fault := range found {
		fault.Path = append([]string{fault.Param}, fault.Path...)
		fault.Param = p.at[0]
	}
	return found.Err()
}

// text gives the text under key; null is none of it.
func (p part) text(key string) *string {
	value, there := p.object[key]
	if !there {
		return nil
	}
	text, isText := value.(string)
	if value != nil && !isText {
		p.fault(key, satchel.CodeInvalidType, "must be a string, or null: none")
	}
	return &text
}

func settingsBody(s satchel.WorkspaceSettings) *api.WorkspaceSettings {
	body := &api.WorkspaceSettings{AI: !s.NoAI, Instructions: textOrNull(s.Instructions), MetadataSchema: json.RawMessage("null"), Quota: quotaBody(s.Quota)}
	if s.Schema != "" {
		body.MetadataSchema = json.RawMessage(s.Schema)
	}
	if s.Lifetime > 0 {
		body.ExpiresAfter = &api.ExpiresAfter{Anchor: "created_at", Seconds: int64(s.Lifetime / time.Second)}
	}
	return body
}

func quotaBody(q satchel.Quota) *api.Quota {
	return &api.Quota{Bytes: q.Bytes, Files: q.Files, FileBytes: q.FileBytes, TokensPerDay: q.TokensPerDay}
}
