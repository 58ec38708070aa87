/// A number with its derivatives along some directions: forward mode, which shares nothing with the engine.
struct Dual {
    var value: Double
    var slopes: [Double]

    static func constant(_ value: Double, _ directions: Int) -> Dual {
        Dual(value: value, slopes: [Double](repeating: 0, count: directions))
    }

    /// A function of the value, with its derivative there.
    private func mapped(_ value: Double, _ derivative: Double) -> Dual {
        Dual(value: value, slopes: slopes.map { $0 * derivative })
    }

    var squareRoot: Dual { value == 0 ? mapped(0, 0) : mapped(value.squareRoot(), 0.5 / value.squareRoot()) }

    static func + (a: Dual, b: Dual) -> Dual {
        Dual(value: a.value + b.value, slopes: zip(a.slopes, b.slopes).map(+))
    }
    static func * (a: Dual, b: Dual) -> Dual {
        Dual(
            value: a.value * b.value,
            slopes: zip(a.slopes, b.slopes).map { $0 * b.value + a.value * $1 })
    }
    static func / (a: Dual, b: Dual) -> Dual { a * b.mapped(1 / b.value, -1 / (b.value * b.value)) }
    static func + (a: Dual, b: Double) -> Dual { Dual(value: a.value + b, slopes: a.slopes) }
    static func * (a: Dual, b: Double) -> Dual { a.mapped(a.value * b, b) }
    static func - (a: Dual, b: Dual) -> Dual { a + b * -1 }
}

func + (a: [Dual], b: [Dual]) -> [Dual] { zip(a, b).map { $0 + $1 } }
func - (a: [Dual], b: [Dual]) -> [Dual] { zip(a, b).map { $0 - $1 } }
func * (a: [Dual], b: Double) -> [Dual] { a.map { $0 * b } }

/// A dense matrix, by rows.
typealias Matrix = [[Double]]

extension Matrix {
    func scaled(by factor: Double) -> Matrix { map { row in row.map { $0 * factor } } }
}

func * (m: Matrix, x: [Dual]) -> [Dual] {
    m.map { row in zip(row, x).map { $1 * $0 }.reduce(x[0] * 0, +) }
}

func transposed(_ m: Matrix) -> Matrix { m[0].indices.map { column in m.map { $0[column] } } }

func product(_ a: Matrix, _ b: Matrix) -> Matrix {
    let columns = transposed(b)
    return a.map { row in columns.map { zip(row, $0).reduce(0) { $0 + $1.0 * $1.1 } } }
}

/// m⁻¹b by Gaussian elimination with pivots.
func solved(_ m: Matrix, _ b: Matrix) -> Matrix {
    var rows = zip(m, b).map { $0 + $1 }
    let n = m.count
    for column in 0..<n {
        let pivot = (column..<n).max { abs(rows[$0][column]) < abs(rows[$1][column]) }!
        rows.swapAt(column, pivot)
        for row in 0..<n where row != column {
            let factor = rows[row][column] / rows[column][column]
            rows[row] = zip(rows[row], rows[column]).map { $0 - factor * $1 }
        }
    }
    return rows.indices.map { row in rows[row][n...].map { $0 / rows[row][row] } }
}
