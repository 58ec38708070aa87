import Foundation

/// A file of the fixtures (scripts/fixtures).
func fixture(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: fixturePath(name))))
}

func fixturePath(_ name: String) -> String {
    Bundle.module.bundleURL.appending(path: "Fixtures/\(name)").path
}
