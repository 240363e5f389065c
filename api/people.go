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
	ID        string `json:"id" example:"user-06h0hf164mqe3d62f984lhg1k"`
	Object    string `json:"object" enum:"user"`
	Name      string `json:"name" doc:"Unique in the organization" example:"ada"`
	OrgID     string `json:"org_id"`
	Role      string `json:"role" enum:"owner,admin,member"`
	Confined  bool   `json:"confined" doc:"A member who has only the workspaces that were given to it"`
	CreatedAt int64  `json:"created_at" doc:"Unix seconds"`
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
	Org      string  `json:"org,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"Name or id; default: the caller's own. Another one is for operators."`
	Name     *string `json:"name,omitempty" minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" example:"ada"`
	Role     *string `json:"role,omitempty" enum:"owner,admin,member" doc:"For a new user by default member"`
	Confined *bool   `json:"confined,omitempty" doc:"Only the workspaces that are given to it; goes with member"`
}

// Organization is a tenant: nothing of one is visible to another.
type Organization struct {
	ID        string `json:"id" example:"org-06h0hf164lphndrrrqm3a7gf1"`
	Object    string `json:"object" enum:"organization"`
	Name      string `json:"name" example:"acme"`
	CreatedAt int64  `json:"created_at" doc:"Unix seconds"`
}

// OrganizationList is a page of organizations.
type OrganizationList struct {
	Object  string          `json:"object" enum:"list"`
	Data    []*Organization `json:"data" nullable:"false"`
	FirstID *string         `json:"first_id" nullable:"true"`
	LastID  *string         `json:"last_id" nullable:"true" doc:"The after of the next page"`
	HasMore bool            `json:"has_more"`
}

// OrganizationRequest makes or renames an organization.
type OrganizationRequest struct {
	Name  string `json:"name" minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" example:"acme"`
	Owner string `json:"owner,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"Only where it is made: the name of its first owner, who is made too" example:"grace"`
}
