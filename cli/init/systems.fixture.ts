// An installation with every kind of system, as flags of `gantry init`.

export const SYSTEMS = [
  "--git=bitbucket-dc=https://git.example",
  "--git-user=gantry",
  "--harbor=https://harbor.example",
  "--argocd=https://argocd.example/argo",
  "--argocd-git-user=argocd",
  "--nexus=https://nexus.example",
  "--sonarqube=https://sonar.example",
  "--jira=https://jira.example",
  "--mail=smtp.example",
  "--mail-from=gantry@example.com",
  "--mail-to=team@example.com",
  "--sso=https://sso.example/realms/main",
];
