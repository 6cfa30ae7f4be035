import Base
import DICOMCore
import JSONCore

/// Metadata in the Native DICOM Model (PS3.19 A.1), made of the finished JSON.
enum MetadataXML {
  static let mediaType = "application/dicom+xml"

  /// One object as a document. Streams of bytes keep the address that the JSON has for them.
  static func document(_ json: some Collection<UInt8>) throws(Fault) -> [UInt8] {
    do {
      // Read as if the address were the value: then it comes out where the value was.
      let dataSet = try DICOMJSONReader.dataSet(try JSONDocument(Array(json))) { uri, _, _ in Array(uri.utf8) }
      return NativeXMLWriter.xml(dataSet) { element in
        element.vr.isBinary ? .uri(String(decoding: element.value.prefix { $0 > 0x20 }, as: UTF8.self)) : .inline
      }
    } catch {
      throw Fault(.internal, "The metadata cannot be written as XML.")
    }
  }
}
