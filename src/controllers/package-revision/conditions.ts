/** Condition types of a PackageRevision and the reasons that this controller gives them. */
export const CONDITION = {
  /** The object and git agree and the content is rendered. */
  ready: 'Ready',
  /** The last render of this content succeeded. */
  rendered: 'Rendered',
} as const;

export const REASON = {
  ready: 'Ready',
  rendered: 'Rendered',
  renderFailed: 'RenderFailed',
  repositoryNotFound: 'RepositoryNotFound',
  repositoryNotReady: 'RepositoryNotReady',
} as const;
