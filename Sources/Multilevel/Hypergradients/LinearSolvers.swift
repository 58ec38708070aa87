import TensorEngine

/// A linear map of parameter lists, as products with it.
public typealias LinearMap = ([Tensor]) throws -> [Tensor]

/// When an iterative solver stops.
public struct StoppingRule: Sendable, Hashable {
    /// Products with the matrix at most.
    public var iterations: Int
    /// The residual's norm relative to the right-hand side's.
    public var tolerance: Double

    public init(iterations: Int, tolerance: Double) {
        self.iterations = iterations
        self.tolerance = tolerance
    }
}

/// x ≈ M⁻¹b as rate·Σ_{j<n} (I − rate·M)ʲ b (Lorraine, Vicol and Duvenaud, 2020, Eq. 8). Converges where every
/// eigenvalue of I − rate·M is less than 1 in modulus; M need not be symmetric.
public func neumannSeries(_ map: LinearMap, _ b: [Tensor], rate: Double, _ stopping: StoppingRule) throws
    -> [Tensor]
{
    let limit = try b.norm() * stopping.tolerance
    var (term, sum) = (b, b)
    for _ in 1..<stopping.iterations {
        term = try term.adding(map(term), times: -rate)
        sum = try sum.adding(term)
        if try term.norm() <= limit { break }
    }
    return try sum.scaled(by: rate)
}

/// x ≈ M⁻¹b for a symmetric M by conjugate gradients (Hestenes and Stiefel, 1952). Where a direction's curvature is
/// not positive, the method does not apply, and GMRES takes over.
public func conjugateGradients(_ map: LinearMap, _ b: [Tensor], _ stopping: StoppingRule) throws -> [Tensor] {
    var x = try b.scaled(by: 0)
    var (residual, direction) = (b, b)
    var square = try b.inner(b)
    let limit = square * stopping.tolerance * stopping.tolerance
    for iteration in 0..<stopping.iterations where square > limit {
        let image = try map(direction)
        let curvature = try direction.inner(image)
        guard curvature > 0 else {
            let rest = StoppingRule(
                iterations: max(stopping.iterations - iteration - 1, 1), tolerance: stopping.tolerance)
            return try gmres(map, b, rest)
        }
        let length = square / curvature
        x = try x.adding(direction, times: length)
        residual = try residual.adding(image, times: -length)
        let next = try residual.inner(residual)
        direction = try residual.adding(direction, times: next / square)
        square = next
    }
    return x
}

/// x ≈ M⁻¹b for any M by GMRES without restarts (Saad and Schultz, 1986): the least residual in the Krylov space,
/// of which it keeps a vector an iteration.
public func gmres(_ map: LinearMap, _ b: [Tensor], _ stopping: StoppingRule) throws -> [Tensor] {
    let norm = try b.norm()
    guard norm != 0 else { return b }
    var basis = [try b.scaled(by: 1 / norm)]
    /// The Hessenberg matrix made triangular, by columns, and the right-hand side, both rotated.
    var columns: [[Double]] = []
    var rotations: [(cosine: Double, sine: Double)] = []
    var side = [norm]
    while columns.count < stopping.iterations {
        var image = try map(basis.last!)
        var column: [Double] = []
        for vector in basis {
            column.append(try image.inner(vector))
            image = try image.adding(vector, times: -column.last!)
        }
        let rest = try image.norm()
        for (row, rotation) in rotations.enumerated() {
            let (upper, lower) = (column[row], column[row + 1])
            column[row] = rotation.cosine * upper + rotation.sine * lower
            column[row + 1] = rotation.cosine * lower - rotation.sine * upper
        }
        let diagonal = (column.last! * column.last! + rest * rest).squareRoot()
        guard diagonal != 0 else { break }
        let rotation = (cosine: column.last! / diagonal, sine: rest / diagonal)
        rotations.append(rotation)
        column[column.count - 1] = diagonal
        columns.append(column)
        let last = side[side.count - 1]
        side[side.count - 1] = rotation.cosine * last
        side.append(-rotation.sine * last)
        // The residual's norm; with nothing left over the solution lies in the space.
        guard abs(side.last!) > stopping.tolerance * norm, rest > 0 else { break }
        basis.append(try image.scaled(by: 1 / rest))
    }
    var coefficients = [Double](repeating: 0, count: columns.count)
    for row in columns.indices.reversed() {
        let known = (row + 1..<columns.count).reduce(0) { $0 + columns[$1][row] * coefficients[$1] }
        coefficients[row] = (side[row] - known) / columns[row][row]
    }
    return try zip(basis, coefficients).reduce(b.scaled(by: 0)) { try $0.adding($1.0, times: $1.1) }
}

/// The eigenvalue of largest modulus of a symmetric map, by power iteration (von Mises and Pollaczek-Geiringer, 1929).
///
/// - Parameters:
///   - map: symmetric.
///   - start: where the iteration begins; not orthogonal to the eigenvector.
///   - stopping: the iteration ends when the estimate changes by less than the tolerance, relative to itself.
/// - Returns: the eigenvalue with its sign; 0 for the zero map.
public func dominantEigenvalue(_ map: LinearMap, from start: [Tensor], _ stopping: StoppingRule) throws
    -> Double
{
    var vector = start
    var estimate = 0.0
    for iteration in 0..<stopping.iterations {
        let norm = try vector.norm()
        guard norm > 0 else { return 0 }
        vector = try vector.scaled(by: 1 / norm)
        let image = try map(vector)
        let next = try vector.inner(image)
        let isConverged = iteration > 0 && abs(next - estimate) <= stopping.tolerance * abs(next)
        (vector, estimate) = (image, next)
        if isConverged { break }
    }
    return estimate
}
