package tenant

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/satchel-files/satchel"
)

// Names of people and organizations tell them apart, so every character of one must show something where it stands: what is not seen would make a second
// "ada". Joiners, variation selectors and tags show nothing by themselves, and pass where they change what is seen of their neighbours.
//
// A rule is for names that are made. Rules get stricter, and names that exist already stay as they are.

// maxName bounds the names of organizations, users and workspaces, in bytes.
const maxName = 128

const (
	me   = "me"   // names the caller where a user is asked for
	null = "null" // is as if nothing were given, in queries and forms
)

// namer gives a name as it is kept, or says what is wrong with it as the value of param.
type namer func(param, name string) (string, error)

// renamed gives the name that something has after a request, nil: which names none. One that stays is not looked at.
func renamed(before string, wish *string, keep namer) (string, error) {
	switch {
	case before != "" && (wish == nil || *wish == before):
		return before, nil
	case wish == nil:
		return keep("name", "")
	}
	return keep("name", *wish)
}

// userName is the namer of users.
func userName(param, name string) (string, error) {
	if bare(name) == me {
		return "", wrongName(param, "no user can be called %q: it means whoever asks", me)
	}
	return uniqueName(param, name)
}

// uniqueName is the namer of what people know by its name alone.
func uniqueName(param, name string) (string, error) {
	kept := withPlainSpaces(name)
	if err := checkText(param, kept); err != nil {
		return "", err
	}
	runes := []rune(name)
	at := hiddenIn(runes)
	switch plain := bare(name); {
	case at >= 0:
		return "", wrongName(param, "%s: %U at character %d shows nothing there; leave it out", param, runes[at], at+1)
	case !strings.ContainsFunc(kept, isSeen):
		return "", wrongName(param, "%s must show something: a letter, a digit or a sign", param)
	case satchel.LooksLikeID(plain):
		return "", wrongName(param, "%s must not look like an id", param)
	case plain == null:
		return "", wrongName(param, "%s must not be %q: in a query that means that nothing is given", param, null)
	case kept == "." || kept == "..":
		return "", wrongName(param, "%s must not be %q: no path of the API could name it", param, kept)
	}
	return kept, nil
}

// displayName is the namer of what people know by its id: it may look like anything, as long as it leaves the text around it alone.
func displayName(param, name string) (string, error) {
	name = withPlainSpaces(name)
	if err := checkText(param, name); err != nil {
		return "", err
	}
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
		return "", wrongName(param, "%s must not turn the direction of the text around it: leave out the characters that do", param)
	}
	return name, nil
}

// checkText finds what no name can be, whenever it was made.
func checkText(param, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return satchel.BodyFault(satchel.CodeMissing, param, nil, "%s is missing: give a name", param)
	case len(name) > maxName:
		return satchel.BodyFault(satchel.CodeTooLong, param, nil, "%s must be at most %d bytes", param, maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		return wrongName(param, "%s must be UTF-8 without control characters", param)
	}
	return nil
}

// nullWorkspace refuses to make a workspace that no query could name.
func nullWorkspace(param string) error {
	return wrongName(param, "no workspace can be called %q: in a query that means that nothing is given, and so the default one", null)
}

func wrongName(param, format string, args ...any) error {
	return satchel.BodyFault(satchel.CodeInvalidValue, param, nil, format, args...)
}

func isControl(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }

func isSpace(r rune) bool { return unicode.Is(unicode.Zs, r) }

// withPlainSpaces gives a name with single spaces of the usual width, and none around it: keyboards have others, which look the same.
func withPlainSpaces(name string) string { return strings.Join(strings.FieldsFunc(name, isSpace), " ") }

// called finds what has a name: as it was given, or else as it would be kept.
func called[T any](name string, find func(name string) (T, error)) (T, error) {
	found, err := find(name)
	if plain := withPlainSpaces(name); plain != name && satchel.CodeOf(err) == satchel.CodeNotFound {
		return find(plain)
	}
	return found, err
}

// bare gives what is left of a name for whoever reads carelessly: in lower case, with hyphens in the place of all dashes, without what is not seen.
func bare(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		switch {
		case isInvisible(r):
			return -1
		case unicode.In(r, unicode.Dash, unicode.Hyphen):
			return '-'
		}
		return r
	}, norm.NFKC.String(withPlainSpaces(name))))
}

// isSeen reports whether a character shows something by itself.
func isSeen(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) }

// isInvisible reports whether a character shows nothing by itself, at most something of its neighbours.
func isInvisible(r rune) bool {
	const blank = "\u2800\U00013441\U00013442\U00016fe4\U0001d159" // are signs, a mark and a note, all without ink
	return strings.ContainsRune(blank, r) || unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// hiddenIn gives the place of the first character of a name that shows nothing where it stands; -1: there is none.
func hiddenIn(name []rune) int {
	for at, r := range name {
		if isInvisible(r) && !showsIn(name, at) {
			return at
		}
	}
	return -1
}

const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
	separator = '\u180e' // of vowels in Mongolian
	textStyle = '\ufe0e'
	emoji     = '\ufe0f'
	keycap    = '\u20e3'
	blackFlag = '\U0001f3f4'

	// Of the variation selectors: those of Mongolian come first, then come those of which Unicode has a list, and last those that are for ideographs.
	lastMongolian    = '\u180f'
	lastStandard     = '\ufe02'
	firstIdeographic = '\U000e0100'
)

// showsIn reports whether an invisible character of a name changes what is seen of those beside it.
func showsIn(name []rune, at int) bool {
	before, r, after := name[:at], name[at], name[at+1:]
	switch {
	case len(before) == 0:
		return false
	case r == nonJoiner:
		return joinsLetters(before, r, after)
	case r == joiner:
		return joinsLetters(before, r, after) || joinsEmoji(before, after) || joinsYa(before[at-1], after)
	case r == separator:
		return len(after) > 0 && isMongolian(before[at-1]) && isMongolian(after[0])
	case unicode.Is(unicode.Variation_Selector, r):
		return varies(before[at-1], r, after)
	}
	return isTag(r) && waves(name, at)
}

// joinsLetters reports whether a joiner has an effect on the letters around it: where it stands between two of a word, or makes the last one of it
// (which in Malayalam is how some are written), and RFC 5892 (appendices A.1 and A.2) allows it.
func joinsLetters(before []rune, r rune, after []rune) bool {
	start, end := len(before), 0
	for start > 0 && isLetter(before[start-1]) {
		start--
	}
	for end < len(after) && isLetter(after[end]) {
		end++
	}
	if start == len(before) || end == 0 && r == nonJoiner {
		return false
	}
	_, err := precis.NewFreeform().String(string(before[start:]) + string(r) + string(after[:end]))
	return err == nil
}

// joinsYa reports whether a joiner keeps a Bengali ra from being drawn above the ya behind it (Unicode 17, chapter 12.2), of which RFC 5892 knows nothing.
func joinsYa(before rune, after []rune) bool {
	return before == 'র' && len(after) > 1 && after[0] == '্' && after[1] == 'য'
}

func isMongolian(r rune) bool { return unicode.Is(unicode.Mongolian, r) && unicode.IsLetter(r) }

func isLetter(r rune) bool { return unicode.In(r, unicode.L, unicode.M) && !isInvisible(r) }

// joinsEmoji reports whether a joiner makes one picture of two; the first may have a style or a colour of skin.
func joinsEmoji(before, after []rune) bool {
	last := len(before) - 1
	for last > 0 && (before[last] == emoji || isSkin(before[last])) {
		last--
	}
	return len(after) > 0 && isPictograph(after[0]) && isPictograph(before[last])
}

func isSkin(r rune) bool { return r >= '\U0001f3fb' && r <= '\U0001f3ff' }

// isPictograph reports whether a character is one to which Unicode joins others of its kind.
func isPictograph(r rune) bool {
	pair := string([]rune{r, joiner, '©'})
	return graphemes.FromString(pair).First() == pair
}

// varies reports whether a variation selector can have an effect on the character before it.
func varies(base, selector rune, after []rune) bool {
	switch {
	case selector == emoji && len(after) > 0 && after[0] == keycap && strings.ContainsRune("0123456789#*", base):
		return true
	case selector == emoji || selector == textStyle:
		return isPictograph(base)
	case selector <= lastMongolian:
		return isMongolian(base)
	}
	return unicode.Is(unicode.Han, base) && (selector <= lastStandard || selector >= firstIdeographic)
}

func isTag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }

// waves reports whether a tag belongs to a flag, of which Unicode recommends three that are written so.
func waves(name []rune, at int) bool {
	start, end := at, at
	for start > 0 && isTag(name[start-1]) {
		start--
	}
	for end < len(name) && isTag(name[end]) {
		end++
	}
	place := strings.Map(func(r rune) rune { return r - 0xe0000 }, string(name[start:end]))
	return start > 0 && name[start-1] == blackFlag && slices.Contains([]string{"gbeng\x7f", "gbsct\x7f", "gbwls\x7f"}, place)
}
