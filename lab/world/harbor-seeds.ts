export async function seedHarbor(url: string, admin: { username: string; password: string }): Promise<void> {
  void url; void admin;
}
