package meta

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
)

// TenantReader reads organizations, people, workspaces and tokens.
type TenantReader interface {
	OrgReader
	MemberReader
	IdentityReader
	WorkspaceReader
	TokenReader
}

// TenantWriter changes organizations, people, workspaces and tokens. Its methods belong to a Tx. Inserting what is already there is
// a *satchel.Error with satchel.CodeConflict, except where it says otherwise.
type TenantWriter interface {
	OrgWriter
	MemberWriter
	IdentityWriter
	WorkspaceWriter
	TokenWriter

	// Alone keeps other transactions from calling it, and from putting files into workspaces, until this one is over: what is read after it
	// holds until the commit. Whoever reads organizations, people, workspaces or tokens to decide how to change them calls it first of all.
	Alone(ctx context.Context) error
}

// OrgReader reads organizations.
type OrgReader interface {
	// Org finds an organization by its id or its name.
	Org(ctx context.Context, idOrName string) (*satchel.Org, error)
	// Orgs lists all organizations by id.
	Orgs(ctx context.Context, page satchel.Slice) ([]satchel.Org, error)
}

// OrgWriter changes organizations.
type OrgWriter interface {
	InsertOrg(ctx context.Context, org satchel.Org) error
	// UpdateOrg changes name, identity and quota; CodeConflict if another one has either, CodeNotFound if there is no such organization.
	UpdateOrg(ctx context.Context, org satchel.Org) error
	// DeleteOrg removes an organization with its members, workspaces and tokens. Files it must not have: they would have no owner.
	DeleteOrg(ctx context.Context, id satchel.OrgID) error
}

// MemberReader reads who belongs to organizations.
type MemberReader interface {
	// Member finds a user of the organization by id or by the name that it has there.
	Member(ctx context.Context, org satchel.OrgID, idOrName string) (*satchel.Member, error)
	// Members lists an organization's users by id.
	Members(ctx context.Context, org satchel.OrgID, page satchel.Slice) ([]satchel.Member, error)
	// CountOwners gives the number of an organization's owners.
	CountOwners(ctx context.Context, org satchel.OrgID) (int, error)
}

// MemberWriter changes them.
type MemberWriter interface {
	// InsertMember adds a user to an organization, and makes the user if it belongs to none yet. CodeConflict if the user belongs to it already, or
	// the name or the identity is taken there.
	InsertMember(ctx context.Context, m satchel.Member) error
	// UpdateMember changes name, role, confinement and identity; CodeConflict if the name or the identity is taken, CodeNotFound if there is no
	// such member.
	UpdateMember(ctx context.Context, m satchel.Member) error
	// DeleteMember takes a user out of an organization, with tokens and access there; CodeNotFound if it is no member.
	DeleteMember(ctx context.Context, org satchel.OrgID, user satchel.UserID) error
}

// IdentityReader finds whom an issuer of tokens means. The zero Identity is nobody's.
type IdentityReader interface {
	// OrgByIdentity finds the organization of an identity.
	OrgByIdentity(ctx context.Context, identity satchel.Identity) (*satchel.Org, error)
	// MemberByIdentity finds the member of the organization who has an identity there.
	MemberByIdentity(ctx context.Context, org satchel.OrgID, identity satchel.Identity) (*satchel.Member, error)
	// MembersByIdentity gives the places that organizations have given to an identity, at most limit of them, by organization id. Only whoever has
	// proved to be that identity may learn of them.
	MembersByIdentity(ctx context.Context, identity satchel.Identity, limit int) ([]satchel.Member, error)
	// Departed tells whether an identity was taken out of the organization and not let in again.
	Departed(ctx context.Context, org satchel.OrgID, identity satchel.Identity) (bool, error)
}

// IdentityWriter notes who was taken out of organizations.
type IdentityWriter interface {
	// InsertDeparture notes that an identity was taken out of the organization; it does nothing when that is noted already.
	InsertDeparture(ctx context.Context, org satchel.OrgID, identity satchel.Identity, at time.Time) error
	// DeleteDeparture forgets that; it does nothing when it is not noted.
	DeleteDeparture(ctx context.Context, org satchel.OrgID, identity satchel.Identity) error
}

// Place is what decides whether a user may put files into a workspace, and what holds for them there.
type Place struct {
	Exists   bool           // the workspace; one that is being deleted does not exist any more
	Access   satchel.Access // what the user was given in it by name
	Role     satchel.Role   // of the user in the organization; empty: it does not belong to it
	Confined bool           // to the workspaces that it was given by name
	Rules    satchel.Rules  // as AccountReader gives them
}

// PlaceReader reads places.
type PlaceReader interface {
	// Place gives that of the scope's user in its workspace. All of it stays as it is until the transaction ends, but for Rules.
	Place(ctx context.Context, scope satchel.Scope) (Place, error)
}

// WorkspaceReader reads workspaces.
type WorkspaceReader interface {
	// WorkspaceAccess tells whether a workspace exists and what the user was given in it by name (AccessNone: nothing). One that is being deleted
	// does not exist any more.
	WorkspaceAccess(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID) (exists bool, access satchel.Access, err error)
	// Workspace gives a workspace, one that is being deleted too.
	Workspace(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID) (*satchel.Workspace, error)
	// Workspaces lists an organization's workspaces by id; with a user only those in which it was given something by name.
	Workspaces(ctx context.Context, org satchel.OrgID, user satchel.UserID, page satchel.Slice) ([]satchel.Workspace, error)
	// WorkspaceUsers lists who was given something in a workspace by name, by user id.
	WorkspaceUsers(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, page satchel.Slice) ([]satchel.WorkspaceUser, error)
}

// WorkspaceWriter changes workspaces.
type WorkspaceWriter interface {
	// InsertWorkspace does nothing when the workspace exists, and says so.
	InsertWorkspace(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, now time.Time) (made bool, err error)
	// UpdateWorkspace changes what is not its identity: the name, the settings, and whether it is doomed.
	UpdateWorkspace(ctx context.Context, w satchel.Workspace) error
	// DeleteWorkspace removes a workspace, what was given in it, and the tokens that are narrowed to it alone; those that are narrowed to others
	// too, it takes it from. Files it must not have.
	DeleteWorkspace(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID) error
	// PutWorkspaceAccess changes what a user was given in a workspace; AccessNone takes it away.
	PutWorkspaceAccess(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID, access satchel.Access) error
}

// TokenReader reads tokens.
type TokenReader interface {
	// TokenByHash finds a token by the SHA-256 of its secret, with its user's place in the organization as it is now. A token of somebody who is
	// no member any more is none.
	TokenByHash(ctx context.Context, hash [32]byte) (*satchel.Token, *satchel.Member, error)
	// Token gives a token, of whichever organization.
	Token(ctx context.Context, id satchel.TokenID) (*satchel.Token, error)
	// Tokens lists an organization's tokens, oldest first.
	Tokens(ctx context.Context, org satchel.OrgID) ([]*satchel.Token, error)
}

// TokenWriter changes tokens.
type TokenWriter interface {
	InsertToken(ctx context.Context, token satchel.Token) error
	// TouchToken notes when a token was last used.
	TouchToken(ctx context.Context, id satchel.TokenID, at time.Time) error
	// DeleteToken removes a token of the organization; CodeNotFound if it has none with that id.
	DeleteToken(ctx context.Context, org satchel.OrgID, id satchel.TokenID) error
}
