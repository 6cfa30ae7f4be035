import Testing

/// `near` (FHIR R4 location.html#positional), by true distance, and `_sort` by it.
@Suite(
  .scene { scene in
    for (name, latitude, longitude) in [
      ("leipzig", "51.3397", "12.3731"), ("halle", "51.4828", "11.9697"), ("berlin", "52.5200", "13.4050"),
      ("sydney", "-33.8688", "151.2093"), ("fiji", "-17.0", "179.95"), ("west", "-17.0", "-179.95"),
      ("pole", "89.9", "0"), ("beyond", "89.9", "180"),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Location","name":"\#(name)","position":{"latitude":\#(latitude),"longitude":\#(longitude)}}"#
      )
    }
    try await scene.create("nowhere", #"{"resourceType":"Location","name":"nowhere"}"#)
    try await scene.create(
      "clinic",
      #"{"resourceType":"HealthcareService","name":"clinic","location":[{"reference":"Location/{{leipzig}}"}]}"#)
  }) struct NearCases
{
  // Leipzig–Halle is 32 km, Leipzig–Berlin 149 km, Halle–Berlin 150 km as the crow flies.
  @Test(arguments: [
    SearchRow("near=51.34|12.37|20|km", "leipzig"), SearchRow("near=51.34|12.37|33|km", "halle leipzig"),
    SearchRow("near=51.34|12.37|31|km", "leipzig"), SearchRow("near=51.34|12.37|140|km", "halle leipzig"),
    SearchRow("near=51.34|12.37|155|km", "berlin halle leipzig"),
    SearchRow("near=51.34|12.37|33000|m", "halle leipzig"), SearchRow("near=51.34|12.37|21|[mi_i]", "halle leipzig"),
    SearchRow("near=51.34|12.37|19|[mi_i]", "leipzig"), SearchRow("near=51.34|12.37|33", "halle leipzig"),
    // Without a distance it is 50 km here; the standard leaves it to the server.
    SearchRow("near=51.34|12.37", "halle leipzig"),
    SearchRow("near=51.34|12.37|0|km", ""), SearchRow("near=51.3397|12.3731|0.001|km", "leipzig"),
    SearchRow("near=-33.8|151.2|10|km", "sydney"),
    // Over the date line (10.6 km), and over the pole (22 km).
    SearchRow("near=-17.0|179.95|12|km", "fiji west"), SearchRow("near=-17.0|-179.95|12|km", "fiji west"),
    SearchRow("near=-17.0|180|6|km", "fiji west"), SearchRow("near=89.9|0|25|km", "beyond pole"),
    SearchRow("near=89.9|90|10|km", ""), SearchRow("near=90|0|12|km", "beyond pole"),
    SearchRow("near=0|0|30000|km", "berlin beyond fiji halle leipzig pole sydney west"),
    SearchRow("near=51.34|12.37|20|km&near=51.48|11.97|40|km", "leipzig"),
    SearchRow("near=51.34|12.37|1|km,-33.8|151.2|10|km", "leipzig sydney"),
    SearchRow("near=51.34|12.37|20|km&name=halle", ""), SearchRow("near:missing=true", "nowhere"),
  ]) func near(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Location?_tag=t&" + row.query, row.names))
  }

  @Test func sortedByDistance() async throws {
    let scene = try SearchScene.current
    let query = "Location?_tag=t&near=51.34|12.37|300|km&_sort="
    #expect(try await scene.find(query + "near").matches == ["leipzig", "halle", "berlin"])
    #expect(try await scene.find(query + "-near").matches == ["berlin", "halle", "leipzig"])
    #expect(try await scene.find(query + "near&_count=1").matches == ["leipzig", "halle", "berlin"])
  }

  @Test func inAChain() async throws {
    let scene = try SearchScene.current
    #expect(try await scene.names("HealthcareService?_tag=t&location.near=51.34|12.37|20|km") == ["clinic"])
    #expect(try await scene.names("HealthcareService?_tag=t&location.near=52.5|13.4|20|km") == [])
  }

  @Test(arguments: [
    "", "foo", "51", "91|0", "-91|0", "0|181", "0|-180.5", "51|12|-1|km", "51|12|x|km", "51|12|1|parsec",
    "51|12|1|km|x",
    "|", "51|", "1e400|0", "NaN|0",
  ]) func whatIsNoPlaceIsRefused(_ value: String) async throws {
    try await SearchScene.current.checkRefused("Location?near=" + value, ["'near'"])
  }

  @Test func sortingWithoutAPlace() async throws {
    let found = try await SearchScene.current.find("Location?_tag=t&_sort=near", dropping: ["&_sort=near"])
    #expect(found.issues == [.unsupported("Sorting by the 'near' parameter is not supported.")])
    try await SearchScene.current.checkRefused("Location?near:exact=1|1", ["'near'"])
  }
}
