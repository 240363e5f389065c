package satchel

import (
	"errors"
	"regexp"
	"time"
)

// Role is what a user may do in an organization.
type Role string

// The roles, from most to least.
const (
	RoleOwner  Role = "owner"
	RoleAdmin  Role = "admin"
	RoleMember Role = "member"
)

// Access is what a user may do in a workspace. Writing includes reading.
type Access string

// The kinds of access.
const (
	AccessNone   Access = ""
	AccessViewer Access = "viewer"
	AccessWriter Access = "writer"
)

// Allows reports whether a has everything that want needs.
func (a Access) Allows(want Access) bool {
	return want == AccessNone || a == AccessWriter || a == want
}

// DefaultWorkspace exists in every organization.
const DefaultWorkspace WorkspaceID = "default"

// DefaultOrg is the name of the organization that the first start makes.
const DefaultOrg = "default"

var workspaceForm = regexp.MustCompile(`^[a-z0-9]+(?:[-_][a-z0-9]+)*$`)

// ParseWorkspaceID gives the workspace that s names: 1 to 34 characters, lower-case letters and digits in groups joined by
// single - or _; ok is false for anything else.
func ParseWorkspaceID(s string) (id WorkspaceID, ok bool) {
	return WorkspaceID(s), len(s) <= 34 && workspaceForm.MatchString(s)
}

// Org is a tenant: nothing of one organization is ever visible to another.
type Org struct {
	ID        OrgID
	Name      string // unique in the installation; people use it
	Identity  Identity
	CreatedAt time.Time
	Quota     Quota // what it may use as a whole
}

// Identity is what somebody else, who issues tokens, calls a person or an organization. The zero value is nobody.
type Identity struct {
	Issuer string
	ID     string // means nothing but to the issuer: it is compared, and never taken for a name or an id of ours
}

// Member is a user's place in an organization. A user is a person or a program, and can belong to several.
type Member struct {
	Org       OrgID
	User      UserID
	Name      string // unique in the organization, which alone knows it
	Role      Role
	Confined  bool     // has only the workspaces that were given to it by name; only for RoleMember
	Identity  Identity // unique in the organization, which alone knows it
	CreatedAt time.Time
}

// Workspace is a part of an organization with files of its own.
type Workspace struct {
	Org       OrgID
	ID        WorkspaceID
	Name      string // for people; may be empty
	CreatedAt time.Time
	Doomed    time.Time // since when it is being deleted, with everything in it; zero: it is not
	Settings  WorkspaceSettings
}

// WorkspaceUser is what a user was given in a workspace by name.
type WorkspaceUser struct {
	User   UserID
	Name   string
	Access Access
}

// Token is the right to speak for a user in an organization. Its secret is not part of it: only the secret's SHA-256 is kept.
type Token struct {
	ID         TokenID
	Hash       [32]byte
	Org        OrgID
	User       UserID
	Role       Role          // at most the user's own role in Org
	Operator   bool          // may make organizations and users, and tokens of other organizations
	Workspaces []WorkspaceID // narrows it to these, sorted; none: not narrowed
	ReadOnly   bool          // may change nothing
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	LastUsed   time.Time // coarse; zero: not yet
}

// Caller is who makes a request: a user in one organization, by the right of one token.
type Caller struct {
	Org        OrgID
	User       UserID
	Token      TokenID // empty for the installation's root token, and where there is an Issuer
	Issuer     string  // who else issued the token; empty: it is one of ours
	Subject    string  // what the issuer calls the user
	Role       Role
	Confined   bool // see Member
	Operator   bool
	Workspaces []WorkspaceID // narrow it to these; none: not narrowed
	ReadOnly   bool
	Origin     Origin
}

// Narrowed reports whether the caller's token reaches less than the user does.
func (c Caller) Narrowed() bool { return len(c.Workspaces) > 0 || c.ReadOnly }

// Scope is a caller inside a workspace, with what it may do there. Every access to a tenant's data takes one.
type Scope struct {
	Org       OrgID
	Workspace WorkspaceID
	User      UserID
	Access    Access
	// Fresh says that the workspace did not exist when the scope was made; the first upload makes it, if it still does not.
	Fresh bool
	// Anywhere says that the user may use every workspace of the organization (owners and admins).
	Anywhere bool
	// Token and Origin say for the audit by what right and from where; they give none.
	Token  TokenID
	Origin Origin
}

// ErrNoScope is a programming error: tenant data was asked for without saying whose.
var ErrNoScope = errors.New("satchel: access without a scope")

// Check refuses a Scope that does not name its tenant, the zero value above all.
func (s Scope) Check() error {
	if s.Org == "" || s.Workspace == "" {
		return ErrNoScope
	}
	return nil
}
