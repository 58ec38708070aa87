/// ‖a − b‖/‖b‖; for b = 0 the norm of a.
public func relativeDistance(_ a: [Double], _ b: [Double]) -> Double {
    func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let distance = norm(zip(a, b).map { $0 - $1 })
    return norm(b) == 0 ? distance : distance / norm(b)
}
