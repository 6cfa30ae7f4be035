import ArgumentParser
import Base
import FHIRModel
import FHIRSearch
import FHIRService
import Issuer
import JSONCore
import Server
import Storage
import StoragePostgreSQL
import StorageSQLite

/// Options of `aceso serve` about the embedded issuer.
struct IssuerOptions: ParsableArguments {
  @Flag(
    name: .customLong("issuer"),
    help: """
      Run the embedded OpenID provider at /auth: people and apps that 'aceso user' and 'aceso app' made get tokens \
      there.
      """)
  var isOn = false

  @Option(
    help: ArgumentHelp(
      """
      The server's address as everybody knows it, which the issuer puts into its tokens. Default: where it listens
      """, valueName: "https://…"))
  var publicAddress: String?

  func validate() throws {
    guard let publicAddress else { return }
    guard publicAddress.hasPrefix("https://") || publicAddress.hasPrefix("http://"), publicAddress.last != "/",
      !publicAddress.contains("?"), !publicAddress.contains("#")
    else { throw ValidationError("'\(publicAddress)' is no address such as https://data.example.org.") }
  }

  /// The issuer, if one is wanted.
  /// - Parameters:
  ///   - root: where the server listens.
  ///   - mounts: services that tokens are for, and whose patients can be chosen.
  func open(_ place: StorePlace, at root: String, _ mounts: [FHIRMount]) async throws -> IssuerHost? {
    guard isOn else { return nil }
    let base = publicAddress ?? root
    let configuration = IssuerConfiguration(address: base + "/auth", audiences: mounts.map { base + $0.path })
    let database = try place.openIssuer()
    do {
      let issuer = try await Issuer(configuration, database) { text, audience in
        guard let mount = mounts.first(where: { base + $0.path == audience }) else { return [] }
        return await PatientPicker(service: mount.service, base: audience).search(text)
      }
      issuer.start()
      return IssuerHost(issuer: issuer, database: database)
    } catch let error as StorageError {
      await database.close()
      throw StorePlace.failure("of users and apps", error)
    }
  }
}

/// An issuer that runs.
struct IssuerHost {
  let issuer: Issuer
  let database: any Database

  func close() async {
    issuer.stop()
    await database.close()
  }
}

extension StorePlace {
  /// The schema of the issuer's tables. No service's has this name: theirs have a workspace's and their own.
  private static let issuerSchema = "aceso_issuer"

  /// The database of users, apps and tokens.
  func openIssuer() throws -> any Database {
    switch self {
    case .folder(let folder):
      let path = try folder.issuer()
      do {
        return try SQLiteDatabase(path: path)
      } catch {
        guard error.code == .locked else { throw Self.failure(path, error) }
        throw CommandError("the users and apps in \(path) are in use: stop the server that uses them first")
      }
    case .database(var configuration, let address, _):
      configuration.schema = Self.issuerSchema
      do {
        return try PostgreSQLDatabase(configuration)
      } catch {
        throw Self.failure(address, error)
      }
    }
  }
}

/// Finds patients for the page on which somebody chooses one.
struct PatientPicker {
  private static let countMax = 20

  let service: FHIRService
  let base: String

  /// Patients by a part of their name; nobody if the search fails.
  func search(_ text: String) async -> [PatientChoice] {
    guard let type = service.schema.type("Patient") else { return [] }
    var query = "_count=\(Self.countMax)&_elements=name,birthDate"
    if !text.isEmpty {
      let escaped = text.utf8.map { byte -> String in
        let digits = String(byte, radix: 16, uppercase: true)
        return "%" + (digits.utf8.count == 1 ? "0" + digits : digits)
      }
      query += "&name:contains=" + escaped.joined()
    }
    let call = Call(.search(type, QueryString(parsing: query)), base: base)
    guard let answer = try? await service.perform(call, .everything), let bytes = answer.resource,
      let bundle = try? JSONDocument(bytes).value
    else { return [] }
    return (bundle["entry"]?.elements ?? []).compactMap { Self.choice($0["resource"]) }
  }

  private static func choice(_ patient: JSONValue?) -> PatientChoice? {
    guard let patient, let id = patient["id"]?.string else { return nil }
    let name = patient["name"]?.elements.first
    let given = name?["given"]?.elements.compactMap(\.string) ?? []
    let parts = name?["text"]?.string.map { [$0] } ?? given + [name?["family"]?.string].compactMap { $0 }
    return PatientChoice(
      id: id, name: parts.isEmpty ? id : parts.joined(separator: " "), birthDate: patient["birthDate"]?.string)
  }
}
