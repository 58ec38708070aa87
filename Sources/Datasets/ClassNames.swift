/// Throws a `DatasetError` unless there is a class, and each has a name of its own that can stand on a line.
package func requireClassNames(_ names: [String], of subject: String) throws {
    try require(!names.isEmpty, subject, "no classes, expected at least one")
    var known: [String: Int] = [:]
    for (label, name) in names.enumerated() {
        let isLine = name.unicodeScalars.allSatisfy {
            ![.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
        }
        try require(
            !name.isEmpty && isLine, subject,
            "the name of class \(label) is empty or has control characters, expected a line of text")
        if let first = known.updateValue(label, forKey: name) {
            throw DatasetError(
                subject, "classes \(first) and \(label) are both called '\(name)', expected names that differ"
            )
        }
    }
}
