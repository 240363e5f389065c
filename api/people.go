package api

// Workspace is a part of an organization with files of its own.
type Workspace struct {
	ID        string `json:"id" example:"team-a"`
	Object    string `json:"object" enum:"workspace"`
	Name      string `json:"name" doc:"For people; may be empty" example:"Team A"`
	OrgID     string `json:"org_id"`
	CreatedAt int64  `json:"created_at" doc:"Unix seconds"`
	Access    string `json:"access" enum:"writer,viewer" doc:"What whoever asks may do in it"`
	Status    string `json:"status" enum:"active,deleting" doc:"deleting: nobody enters it any more, and its files are being removed"`

	FilesLeft *int64             `json:"files_left" nullable:"true" doc:"Of a workspace that is being deleted: files that are still there; else null"`
	Settings  *WorkspaceSettings `json:"settings"`
}

// WorkspaceList is a page of workspaces.
type WorkspaceList struct {
	Object  string       `json:"object" enum:"list"`
	Data    []*Workspace `json:"data" nullable:"false"`
	FirstID *string      `json:"first_id" nullable:"true"`
	LastID  *string      `json:"last_id" nullable:"true" doc:"The after of the next page"`
	HasMore bool         `json:"has_more"`
}

// WorkspaceRequest makes or renames a workspace.
type WorkspaceRequest struct {
	ID   string `json:"id,omitempty" doc:"Only where it is made" pattern:"^[a-z0-9]+(?:[-_][a-z0-9]+)*$" maxLength:"34" example:"team-a"`
	Name string `json:"name,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" example:"Team A"`

	Settings *SettingsRequest `json:"settings,omitempty" doc:"For owners and admins. Of the parts those that are left out stay, and null takes one back; null takes all of them back"`
}

// WorkspaceUser is what a user was given in a workspace by name.
type WorkspaceUser struct {
	Object      string `json:"object" enum:"workspace.user"`
	WorkspaceID string `json:"workspace_id"`
	UserID      string `json:"user_id"`
	UserName    string `json:"user_name"`
	Access      string `json:"access" enum:"writer,viewer"`
}

// WorkspaceUserList is a page of those who were given something in a workspace.
type WorkspaceUserList struct {
	Object  string           `json:"object" enum:"list"`
	Data    []*WorkspaceUser `json:"data" nullable:"false"`
	FirstID *string          `json:"first_id" nullable:"true"`
	LastID  *string          `json:"last_id" nullable:"true" doc:"The after of the next page"`
	HasMore bool             `json:"has_more"`
}

// WorkspaceAccess gives a user something in a workspace.
type WorkspaceAccess struct {
	User   string `json:"user" doc:"Name or id" minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" example:"ada"`
	Access string `json:"access" enum:"writer,viewer"`
}

// User is somebody's place in an organization.
type User struct {
	ID         string  `json:"id" example:"user-06h0hf164mqe3d62f984lhg1k"`
	Object     string  `json:"object" enum:"user"`
	Name       string  `json:"name" doc:"Unique in the organization" example:"ada"`
	OrgID      string  `json:"org_id"`
	Role       string  `json:"role" enum:"owner,admin,member"`
	Confined   bool    `json:"confined" doc:"A member who has only the workspaces that were given to it"`
	ExternalID *string `json:"external_id" nullable:"true" doc:"What the server's issuer of tokens calls it; null: the issuer's tokens do not sign it in"`
	CreatedAt  int64   `json:"created_at" doc:"Unix seconds"`
}

// UserList is a page of users.
type UserList struct {
	Object  string  `json:"object" enum:"list"`
	Data    []*User `json:"data" nullable:"false"`
	FirstID *string `json:"first_id" nullable:"true"`
	LastID  *string `json:"last_id" nullable:"true" doc:"The after of the next page"`
	HasMore bool    `json:"has_more"`
}

// UserRequest makes a user, or changes one: what is left out stays.
type UserRequest struct {
	Org        string  `json:"org,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"Name or id; default: the caller's own. Another one is for operators."`
	Name       *string `json:"name,omitempty" minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" example:"ada"`
	Role       *string `json:"role,omitempty" enum:"owner,admin,member" doc:"For a new user by default member"`
	Confined   *bool   `json:"confined,omitempty" doc:"Only the workspaces that are given to it; goes with member"`
	ExternalID *string `json:"external_id,omitempty" nullable:"true" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"What the server's issuer of tokens calls it, whose tokens then sign it in; null or empty: not any more. Only on a server that has an issuer"`
}

// Organization is a tenant: nothing of one is visible to another.
type Organization struct {
	ID         string  `json:"id" example:"org-06h0hf164lphndrrrqm3a7gf1"`
	Object     string  `json:"object" enum:"organization"`
	Name       string  `json:"name" example:"acme"`
	ExternalID *string `json:"external_id" nullable:"true" doc:"What the server's issuer of tokens calls it; null: its tokens do not reach it by a claim"`
	CreatedAt  int64   `json:"created_at" doc:"Unix seconds"`
	Quota      *Quota  `json:"quota" doc:"What it may use as a whole"`
}

// OrganizationList is a page of organizations.
type OrganizationList struct {
	Object  string          `json:"object" enum:"list"`
	Data    []*Organization `json:"data" nullable:"false"`
	FirstID *string         `json:"first_id" nullable:"true"`
	LastID  *string         `json:"last_id" nullable:"true" doc:"The after of the next page"`
	HasMore bool            `json:"has_more"`
}

// OrganizationRequest makes an organization, or changes one: what is left out stays.
type OrganizationRequest struct {
	Name       string  `json:"name,omitempty" minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" doc:"Must be given where it is made" example:"acme"`
	Owner      string  `json:"owner,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"Only where it is made: the name of its first owner, who is made too" example:"grace"`
	ExternalID *string `json:"external_id,omitempty" nullable:"true" maxLength:"255" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"For operators: what the server's issuer of tokens calls it in the claim that names organizations; null or empty: nothing any more. Only on a server that has an issuer"`

	Quota *QuotaRequest `json:"quota,omitempty" doc:"For operators, only where it is changed: limits that are left out stay, null takes one back; null takes all of them back"`
}
