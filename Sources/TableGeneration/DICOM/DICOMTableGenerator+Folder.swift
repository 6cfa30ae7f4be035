import FoundationEssentials

extension DICOMTableGenerator {
  /// All of DICOM's tables, by the names of their files.
  /// - Parameter folder: holds pydicom's `_dicom_dict.py`, `_uid_dict.py`, `_private_dict.py` and `LICENSE`.
  public static func tables(folder: String) throws -> [(file: String, table: String)] {
    func read(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)), as: UTF8.self)
    }
    let licence = try read("LICENSE")
    func generator(_ name: String) throws -> DICOMTableGenerator {
      DICOMTableGenerator(text: try read(name), licence: licence)
    }
    return [
      ("elements.table", try generator("_dicom_dict.py").elementTable()),
      ("uids.table", try generator("_uid_dict.py").uidTable()),
      ("private.table", try generator("_private_dict.py").privateTable()),
      ("characters.table", try CharacterSetTableGenerator().table()),
    ]
  }
}
