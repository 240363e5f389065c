package instruct

import (
	"testing"

	"github.com/satchel-files/satchel"
)

// What a small model does with instructions that are plain to people.
func TestInstructionsAreTakenAtTheirWord(t *testing.T) {
	for _, c := range []struct{ name, instruction, metadata, answer, want string }{
		{"a question removes nothing", "Wie viele Seiten hat das Dokument?", `{"titel":"Bau","seiten":9}`, `{"set":{},"remove":["seiten"]}`, `{}`},
		{"nor does one in a language of unknown verbs", "Hvor mange sider er der?", `{"titel":"Bau","sider":9}`, `{"remove":["sider"]}`, `{}`},
		{"the key to which a value is assigned", "Add status = draft and owner=Kofi Amsel.", `{"status_of_print":"none"}`,
			`{"set":{"status_of_print":"draft","owner":"Kofi Amsel"}}`, `{"set":{"owner":"Kofi Amsel","status":"draft"}}`},
		{"a longer key that is meant", "Set status of print = draft.", `{"status_of_print":"none"}`, `{"set":{"status_of_print":"draft"}}`, `{"set":{"status_of_print":"draft"}}`},
		{"a new name is no value", "Rename note to remark, but do not touch note.", `{"note":"handle with care"}`, `{"set":{"note":"remark"}}`, `{}`},
		{"a value beside a rename", "Rename note to remark and set shelf to north.", `{"note":"x","shelf":"C-17"}`,
			`{"rename":[{"from":"note","to":"remark"}],"set":{"shelf":"north"}}`, `{"rename":{"/note":"/remark"},"set":{"shelf":"north"}}`},
		{"a rename of what is not there", "Rename editor to publisher.", `{"author":"Rowan"}`, `{"set":{"publisher":"Rowan"}}`, `{}`},
		{"a rename inside of an object", "In address, rename zip to postcode.", `{"address":{"zip":"WX1 4TT","town":"Wexley"}}`,
			`{"rename":[{"from":"address","to":"postcode"}],"set":{"key":"postcode","value":"WX1 4TT"}}`, `{}`},
		{"which a better model does right", "In address, rename zip to postcode.", `{"address":{"zip":"WX1 4TT","town":"Wexley"}}`,
			`{"rename":[{"from":"address.zip","to":"address.postcode"}]}`, `{"rename":{"/address/zip":"/address/postcode"}}`},
		{"a removal inside of an object", "Убери индекс из адреса.", `{"адрес":{"город":"Нижнереченск","индекс":"000417"}}`,
			`{"remove":["адрес","адрес.индекс"]}`, `{"remove":["/адрес/индекс"]}`},
		{"an object and what is in it", "Remove the address with its zip.", `{"address":{"zip":"WX1 4TT"}}`, `{"remove":["address"]}`, `{"remove":["/address"]}`},
		{"what must not be removed", "set total to 5. Do not remove author or secret.", `{"author":"A","secret":"s"}`, `{"set":{"total":5},"remove":["author","secret"]}`, `{"set":{"total":5}}`},
		{"beside what is", "Remove draft, but never remove secret.", `{"draft":true,"secret":"s"}`, `{"remove":["draft","secret"]}`, `{"remove":["/draft"]}`},
		{"in German", "Entferne entwurf nicht", `{"entwurf":true}`, `{"remove":["entwurf"]}`, `{}`},
		{"a question with a verb of removing", "Should author be removed?", `{"author":"A"}`, `{"remove":["author"]}`, `{}`},
		{"another one", "Who removed the author?", `{"author":"A"}`, `{"remove":["author"]}`, `{}`},
		{"a request in the form of one", "Could you please remove the draft?", `{"draft":true}`, `{"remove":["draft"]}`, `{"remove":["/draft"]}`},
		{"two wishes of which one is a denial", "don't touch author; delete draft", `{"author":"A","draft":1}`, `{"remove":["author","draft"]}`, `{"remove":["/draft"]}`},
		{"a denial behind", "delete draft, not author", `{"author":"A","draft":1}`, `{"remove":["author","draft"]}`, `{"remove":["/draft"]}`},
		{"a denial before", "do not remove author, remove draft", `{"author":"A","draft":1}`, `{"remove":["author","draft"]}`, `{"remove":["/draft"]}`},
		{"a denial in a sentence of its own", "never remove author. remove draft.", `{"author":"A","draft":1}`, `{"remove":["author","draft"]}`, `{"remove":["/draft"]}`},
		{"nothing but", "remove nothing but draft", `{"author":"A","draft":1}`, `{"remove":["author","draft"]}`, `{"remove":["/draft"]}`},
		{"something else is removed", "find the author and remove spaces around the title", `{"author":"A","title":" x "}`, `{"needs_document":false,"set":{"title":"x"},"remove":["author"]}`, `{"set":{"title":"x"}}`},
		{"an adjective", "Set summary to x; it must be clear and cover all data.", `{"author":"A","draft":1}`, `{"set":{"summary":"x"},"remove":["author","draft"]}`, `{"set":{"summary":"x"}}`},
		{"all of something else", "Set total to 5. Omit currency symbols in all values.", `{"author":"A","draft":1}`, `{"set":{"total":5},"remove":["author","draft"]}`, `{"set":{"total":5}}`},
		{"what is not UTF-8", "Remove draft\xff, please.\x80", `{"draft":1}`, `{"remove":["draft"]}`, `{"remove":["/draft"]}`},
		{"a list of keys", "Remove author, draft and the title.", `{"author":"A","draft":1,"title":"x","n":1}`, `{"remove":["author","draft","title","n"]}`, `{"remove":["/author","/draft","/title"]}`},
		{"keys before the verb", "Betreff und Titel bitte entfernen.", `{"betreff":"A","titel":"x","n":1}`, `{"remove":["betreff","titel","n"]}`, `{"remove":["/betreff","/titel"]}`},
		{"all keys", "Remove all keys.", `{"author":"A","n":1}`, `{"remove":["author","n"]}`, `{"remove":["/author","/n"]}`},
		{"all keys but", "Remove all fields except author.", `{"author":"A","n":1}`, `{"remove":["author","n"]}`, `{"remove":["/n"]}`},
		{"a key for instructions", "set a to 2", `{"a":1}`, `{"set":{"a":2,"instructions":"remove all keys"}}`, `{"set":{"a":2}}`},
		{"words of the form", "set a to 2", `{"a":1}`, `{"set":{"a":2,"needs_document":false,"remove":[]}}`, `{"set":{"a":2}}`},
		{"a swap", "rename author to editor and editor to author", `{"author":"A","editor":"B"}`, `{"rename":[{"from":"author","to":"editor"},{"from":"editor","to":"author"}]}`,
			`{"rename":{"/author":"/editor","/editor":"/author"}}`},
		{"a key beside a summary", "Add a summary: All is well.", `{"author":"A"}`, `{"needs_document":false,"set":{"summary":"All is well.","author":"B"}}`, `{"set":{"summary":"All is well."}}`},
		{"a key that was not named", "set a to 2", `{"a":1,"author":"A"}`, `{"set":{"a":2,"author":"Mallory"},"needs_document":false}`, `{"set":{"a":2}}`},
		{"keys of which none is named", "Write all texts in lower case.", `{"author":"ANN","title":"LOGIC"}`, `{"set":{"author":"ann","title":"logic"}}`, `{"set":{"author":"ann","title":"logic"}}`},
		{"a new name with a slip in the value", "rename author to writer", `{"author":"Jane Austen"}`, `{"set":{"writer":"Jane Austin"},"remove":["author"]}`, `{"rename":{"/author":"/writer"}}`},
		{"values put together", "Fasse vorname und nachname zu „name“ zusammen und entferne die beiden.", `{"vorname":"Grete","nachname":"Übelhör"}`,
			`{"needs_document":false,"set":{"name":"Grete Übelhör"},"remove":["vorname","nachname"]}`, `{"remove":["/vorname","/nachname"],"set":{"name":"Grete Übelhör"}}`},
		{"a value in other words", "Mets la valeur de « matière » en français.", `{"matière":"beech"}`, `{"needs_document":false,"set":{"matière":"hêtre"}}`, `{"set":{"matière":"hêtre"}}`},
	} {
		metadata, err := satchel.ParseMetadata([]byte(c.metadata))
		if err != nil {
			t.Fatal(err)
		}
		model := newScript(c.answer, c.answer)
		state, err := do(t, model, Task{Kind: Update, Instruction: c.instruction, Metadata: metadata, Text: text("")})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := state.Result.Edit.String(); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}
