import Base
import JSONCore
import Testing

@testable import Workspace

@Suite struct DeclarationTests {
  @Test func aServerIsDeclared() throws {
    let declared = try Workspaces(
      yaml: """
        # where
        server:
          host: 127.0.0.2
          port: 9090
          data-dir: "/srv/a b: c"
          log-level: debug
          store: postgresql://h/d
          store-replica: postgresql://r/d
          store-password-file: secret
          domain: health.example
          trusted-proxies: [10.0.0.0/8, "::1"]
          allow-insecure-network: true
          admin-key-file: key
          private-networks: 10.0.0.0/8
          networkAccess: { allow: [10.0.0.0/8], deny: [10.1.0.0/16] }
          clientLimits: { requestsPerSecond: 5, burst: 9, concurrentRequests: 3 }
          corsConfiguration:
            origins: ["https://a.example", "https://[::1]:8443"]
            methods: [GET, POST]
            headers: "*"
            maxAge: 0
            allowCredentials: true
          resourceVersionPolicyConfiguration: { default: no-version, resourceTypeOverrides: { Patient: versioned } }
          invariants: all
        limits:
          body-bytes: 1000
        """)
    let server = declared.server
    #expect(server.host == "127.0.0.2")
    #expect(server.port == 9_090)
    #expect(server.dataDirectory == "/srv/a b: c")
    #expect(server.logLevel == .debug)
    #expect(server.store == "postgresql://h/d")
    #expect(server.storeReplica == "postgresql://r/d")
    #expect(server.storePasswordFile == "secret")
    #expect(server.domain == "health.example")
    #expect(server.trustedProxies.map(\.description) == ["10.0.0.0/8", "::1"])
    #expect(server.allowsInsecureNetwork)
    #expect(server.adminKeyFile == "key")
    #expect(server.privateNetworks.map(\.description) == ["10.0.0.0/8"])
    #expect(server.network.allow.count == 1 && server.network.deny.count == 1)
    #expect(
      server.clients.requestsPerSecond == 5 && server.clients.burst == 9 && server.clients.concurrentRequests == 3)
    #expect(server.cors.origins == ["https://a.example", "https://[::1]:8443"])
    #expect(server.cors.methods == ["GET", "POST"])
    #expect(server.cors.maxAgeSeconds == 0 && server.cors.allowsCredentials)
    #expect(server.versions.standard == .none && server.versions.ofTypes == ["Patient": .versioned])
    #expect(server.invariants == .all)
    #expect(server.limits.bodyBytesMax == 1_000)
    #expect(declared.workspaces == nil)
  }

  @Test func nothingIsTheDefaults() throws {
    #expect(try Workspaces(yaml: "") == Workspaces())
    #expect(try Workspaces(yaml: "server:\nlimits:\n") == Workspaces())
    #expect(try Workspaces(yaml: "workspaces: []").workspaces == [])
  }

  /// An ARM definition as a template has it.
  static let arm = """
    {
      "type": "Microsoft.HealthcareApis/workspaces/fhirservices", "apiVersion": "2023-11-01",
      "name": "clinic/records", "location": "westeurope", "kind": "fhir-R4",
      "identity": { "type": null }, "tags": { "a": "b" }, "dependsOn": [],
      "properties": {
        "authenticationConfiguration": {
          "authority": "https://login.example/tenant", "audience": "https://clinic-records.fhir.example",
          "smartProxyEnabled": false,
          "smartIdentityProviders": [
            { "authority": "https://idp.example", "applications": [
              { "clientId": "app", "audience": "aud", "allowedDataActions": ["Read"] } ] } ]
        },
        "corsConfiguration": {
          "origins": ["https://a.example"], "headers": ["*"], "methods": ["GET"], "maxAge": 60, "allowCredentials": false },
        "accessPolicies": [], "acrConfiguration": { "loginServers": [] }, "exportConfiguration": {},
        "importConfiguration": { "enabled": false, "initialImportMode": false },
        "resourceVersionPolicyConfiguration": {
          "default": "versioned", "resourceTypeOverrides": { "Patient": "no-version" } },
        "publicNetworkAccess": "Disabled", "provisioningState": "Succeeded", "eventState": "Disabled"
      }
    }
    """

  @Test func aDefinitionOfAzuresCarriesOver() throws {
    let service = try ServiceDefinition(YAMLNode(json: Array(Self.arm.utf8)), kind: .fhir, workspace: "clinic")
    #expect(service.name == "records")
    #expect(service.kind == .fhir)
    #expect(service.tags == ["a": "b"])
    #expect(!service.settings.isPublic)
    #expect(service.settings.cors?.origins == ["https://a.example"])
    let authentication = try #require(service.settings.authentication)
    #expect(authentication.authority == "https://login.example/tenant")
    #expect(authentication.audiences == ["https://clinic-records.fhir.example"])
    #expect(authentication.smartIdentityProviders.first?.applications.first?.clientID == "app")
    guard case .fhir(let fhir) = service.properties else {
      Issue.record("no FHIR service")
      return
    }
    #expect(fhir.release == .r4)
    #expect(fhir.versions?.ofTypes == ["Patient": .none])
  }

  /// What a server tells is a definition again, and the same.
  @Test func aDefinitionIsReadBack() throws {
    let device = """
      {"name":"d","properties":{"ingestionEndpointConfiguration":{"eventHubName":"e","consumerGroup":"c",\
      "fullyQualifiedEventHubNamespace":"n"},"deviceMapping":{"content":{"template":[1,"2",true,null]}}},\
      "fhirdestinations":[{"name":"x","properties":{"fhirServiceResourceId":"/workspaces/w/fhirservices/s",\
      "resourceIdentityResolutionType":"Create","fhirMapping":{"content":{"a":{}}}}}]}
      """
    let full = """
      {"name":"f","kind":"fhir-R5","location":"x","tags":{"a":"b"},"properties":{"publicNetworkAccess":"Disabled",\
      "corsConfiguration":{},"networkAccess":{"allow":["10.0.0.0/8"],"deny":["::1"]},"clientLimits":{"requestsPerSecond":1,\
      "burst":2,"concurrentRequests":3},"invariants":"all","limits":{"search-count":7},\
      "resourceVersionPolicyConfiguration":{"default":"no-version","resourceTypeOverrides":{"Patient":"versioned-update"}},\
      "authenticationConfiguration":{"audiences":["a","b"],"issuers":[{"url":"https://i.example","audiences":["c"],\
      "algorithms":["RS256"],"jwksUrl":"https://i.example/keys","roleClaims":["roles"]}]}}}
      """
    for (text, kind) in [
      (Self.arm, ServiceDefinition.Kind.fhir), (full, .fhir), (device, .iotconnector),
      (#"{"name":"i","properties":{"enableDataPartitions":true}}"#, .dicom),
    ] {
      let service = try ServiceDefinition(YAMLNode(json: Array(text.utf8)), kind: kind, workspace: "clinic")
      for shown in [nil, "clinic"] {
        var writer = JSONWriter()
        service.write(to: &writer, shownIn: shown)
        let again = try ServiceDefinition(YAMLNode(json: writer.bytes), kind: kind, workspace: "clinic")
        #expect(again == service, "\(String(decoding: writer.bytes, as: UTF8.self))")
      }
    }
  }

  private static func fhir(_ properties: String) -> String {
    "workspaces:\n  - name: w\n    fhirservices:\n      - name: s\n        properties:\n          \(properties)"
  }

  @Test(arguments: [
    ("server:\n  hots: a", 2, 3, "did you mean 'host'"), ("sever:\n  host: a", 1, 1, "did you mean 'server'"),
    ("server:\n  frobnicate: a", 2, 3, "there are host, port"), ("server: 7", 1, 9, "expected a mapping"),
    ("server:\n  port: 65536", 2, 9, "from 0 to 65535"), ("server:\n  port: x", 2, 9, "whole number"),
    ("server:\n  log-level: loud", 2, 14, "error, warning, info, debug"),
    ("server:\n  allow-insecure-network: yes", 2, 27, "true or false"),
    ("server:\n  host: [a]", 2, 9, "a text, not a list"), ("server:\n  domain: A.example", 2, 11, "no domain"),
    ("server:\n  domain: a..b", 2, 11, "no domain"),
    ("server:\n  trusted-proxies: [10.0.0.0/33]", 2, 20, "no IP address"),
    ("server:\n  corsConfiguration:\n    origins: ['*']\n    allowCredentials: true", 3, 5, "credentials"),
    ("server:\n  corsConfiguration:\n    maxAge: 86401", 3, 13, "from 0 to 86400"),
    ("server:\n  clientLimits: { burst: 2 }", 2, 17, "requestsPerSecond"),
    ("limits:\n  body-bytes: 0", 2, 15, "above 0"), ("limits:\n  body-bytes: -1", 2, 15, "above 0"),
    ("limits:\n  body-bytes: 99999999999999999999", 2, 15, "above 0"),
    ("limits:\n  bodybytes: 1", 2, 3, "did you mean 'body-bytes'"), ("workspaces: x", 1, 13, "is a list"),
    ("workspaces:\n  - tags: {}", 2, 5, "'name' is missing"),
    ("workspaces:\n  - name: W", 2, 11, "no name of a workspace"),
    ("workspaces:\n  - name: a-b", 2, 11, "no name of a workspace"),
    ("workspaces:\n  - name: admin", 2, 11, "no name of a workspace"),
    ("workspaces:\n  - name: w\n  - name: w", 3, 5, "second time"),
    ("workspaces:\n  - name: w\n    dicomservices: [{name: a}]\n    fhirservices: [{name: a}]", 3, 21, "second time"),
    ("workspaces:\n  - name: w\n    fhirservice: []", 3, 5, "did you mean 'fhirservices'"),
    ("workspaces:\n  - name: w\n    fhirservices: [{name: A}]", 3, 27, "no name of a service"),
    ("workspaces:\n  - name: w\n    fhirservices: [{name: a, kind: fhir-R9}]", 3, 36, "fhir-Stu3, fhir-R4"),
    ("workspaces:\n  - name: w\n    dicomservices: [{name: a, kind: fhir-R4}]", 3, 37, "only fhirservices"),
    ("workspaces:\n  - name: w\n    identity: {type: SystemAssigned}", 3, 5, "no managed identity"),
    ("workspaces:\n  - name: w\n    properties: {publicNetworkAccess: Disabled}", 3, 39, "of each service"),
    (fhir("publicNetworkAcces: Disabled"), 6, 11, "did you mean 'publicNetworkAccess'"),
    (fhir("publicNetworkAccess: disabled"), 6, 32, "Enabled, Disabled"),
    (fhir("exportConfiguration: {storageAccountName: x}"), 6, 11, "$export is not there"),
    (fhir("importConfiguration: {enabled: true}"), 6, 11, "$import is not there"),
    (fhir("accessPolicies: [{objectId: x}]"), 6, 11, "by roles"),
    (fhir("encryption: {customerManagedKeyEncryption: {keyEncryptionKeyUrl: x}}"), 6, 11, "encrypt the disk"),
    (fhir("limits: {body-bytes: 5}"), 6, 20, "is not known"),
    (
      fhir("resourceVersionPolicyConfiguration: {resourceTypeOverrides: {patient: versioned}}"), 6, 72,
      "no resource type"
    ),
    (fhir("resourceVersionPolicyConfiguration: {default: version}"), 6, 57, "no-version, versioned"),
    (fhir("authenticationConfiguration: {audience: x}"), 6, 40, "no issuer"),
    (fhir("authenticationConfiguration: {authority: 'https://a.example'}"), 6, 40, "'audience' is missing"),
    (
      fhir("authenticationConfiguration: {authority: 'http://a.example', audience: x}"), 6, 40,
      "no address of an issuer"
    ),
    (fhir("authenticationConfiguration: {authority: 'https://a?b', audience: x}"), 6, 40, "no address of an issuer"),
    (
      fhir("authenticationConfiguration: {authority: 'https://a.example', audience: x, smartProxyEnabled: true}"), 6,
      86,
      "no proxy"
    ), ("a: 1\na: 2", 2, 1, "second time"), ("a: [", 2, 1, ""),
  ])
  func aMistakeIsToldWithItsPlace(yaml: String, line: Int, column: Int, why: String) throws {
    let error = #expect(throws: ConfigurationError.self) { try Workspaces(yaml: yaml, file: "aceso.yaml") }
    #expect(error?.description.hasPrefix("aceso.yaml:\(line):\(column): ") == true, "\(error?.description ?? "")")
    #expect(error?.message.contains(why) == true, "\(error?.description ?? "")")
  }

  // MARK: References

  private static let references = References(
    variable: { ["A": "x", "PORT": "81"][$0] },
    file: { $0 == "secret" ? "first\nsecond\n" : $0 == "empty" ? "\n" : nil })

  @Test(arguments: [
    ("${A}", "x"), ("a${A}b${A}", "axbx"), ("$${A}", "${A}"), ("file:secret", "first"), ("$A", "$A"), ("{A}", "{A}"),
  ])
  func aReferenceIsReplaced(text: String, value: String) throws {
    let declared = try Workspaces(yaml: "server:\n  host: '\(text)'\n  port: ${PORT}", references: Self.references)
    #expect(declared.server.host == value)
    #expect(declared.server.port == 81)
  }

  @Test(arguments: ["${B}", "${A", "file:none", "file:empty", "${}"])
  func aReferenceToNothingIsAMistake(text: String) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try Workspaces(yaml: "server:\n  host: '\(text)'", references: Self.references)
    }
    #expect(error?.line == 2)
    #expect(error?.column == 9)
  }

  // MARK: Values

  @Test(arguments: [
    ("127.0.0.1", true), ("127.9.8.7", true), ("::1", true), ("localhost", true), ("0.0.0.0", false), ("::", false),
    ("10.0.0.1", false), ("127.0.0.1.evil.org", false), ("127.evil.0.1", false), ("example.org", false), ("", false),
  ])
  func onlyTheOwnMachineIsLoopback(host: String, isLoopback: Bool) {
    var configuration = ServerConfiguration()
    configuration.host = host
    #expect(configuration.isLoopback == isLoopback)
  }

  /// A limit that nobody can set is none of the operator's.
  @Test func everyLimitHasAKey() {
    let keys = Set(LimitKey.all.map { $0.name.filter { $0 != "-" } })
    for case (let name?, is Int) in Mirror(reflecting: Limits()).children.map({ ($0.label, $0.value) }) {
      let bare = name.hasSuffix("Max") ? String(name.dropLast(3)) : name
      #expect(keys.contains(bare.lowercased()), "\(name)")
    }
  }

  @Test(arguments: [
    ("a", true), ("a1-b", true), (String(repeating: "a", count: 24), true), (String(repeating: "a", count: 25), false),
    ("", false), ("-a", false), ("a-", false), ("A", false), ("a_b", false), ("a.b", false), ("ä", false),
    ("a/b", false),
  ])
  func namesOfServices(name: String, isOne: Bool) { #expect(ServiceName.isService(name) == isOne) }

  @Test(arguments: [("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("::2", false), ("128.0.0.1", false)])
  func loopbackAddresses(text: String, isLoopback: Bool) throws {
    #expect(try #require(IPAddress(text)).isLoopback == isLoopback)
  }

  @Test func whatIsDeniedIsDenied() throws {
    var access = NetworkAccess()
    access.allow = [AddressRange("10.0.0.0/8")].compactMap { $0 }
    access.deny = [AddressRange("10.1.0.0/16")].compactMap { $0 }
    for (text, isAdmitted) in [("10.0.0.1", true), ("10.1.0.1", false), ("11.0.0.1", false), ("::1", false)] {
      #expect(access.admits(try #require(IPAddress(text))) == isAdmitted, "\(text)")
    }
  }
}
