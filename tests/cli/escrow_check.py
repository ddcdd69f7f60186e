#!/usr/bin/env python3
"""What an escrow package says, computed by means that share nothing with ours.

Usage: escrow_check.py PACKAGE              verify it, and say what it is
       escrow_check.py PACKAGE KEY...       open it with custodians' keys,
                                            each INDEX:SCALAR in hexadecimal

The group (RFC 9496), the transcripts, the proofs and the format of
aegis-escrow(5) are written down here once more, from their descriptions.
Slow, and not in constant time: for tests alone.
"""
import hashlib
import hmac
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def sqrt_ratio(u, v):
    """(was it square, the root of u/v or of SQRT_M1*u/v, not negative)."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check == -u * SQRT_M1 % P:
        return False, absolute(r * SQRT_M1 % P)
    if check == u % P:
        return True, absolute(r)
    if check == -u % P:
        return True, absolute(r * SQRT_M1 % P)
    return False, absolute(r)


def absolute(x):
    return P - x if x & 1 else x


INVSQRT_A_MINUS_D = sqrt_ratio(1, (-1 - D) % P)[1]
SQRT_AD_MINUS_ONE = P - sqrt_ratio((-D - 1) % P, 1)[1]  # the odd root
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P

IDENTITY = (0, 1, 1, 0)


def add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    aa = (y1 - x1) * (y2 - x2) % P
    bb = (y1 + x1) * (y2 + x2) % P
    cc = 2 * t1 * t2 * D % P
    dd = 2 * z1 * z2 % P
    e, f, g, h = bb - aa, dd - cc, dd + cc, bb + aa
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def negate(a):
    return (-a[0] % P, a[1], a[2], -a[3] % P)


def multiply(k, a):
    out = IDENTITY
    for bit in bin(k % L)[2:]:
        out = add(out, out)
        if bit == "1":
            out = add(out, a)
    return out


def decode(data):
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or s & 1 or s == 0:
        raise ValueError("not a point, or the identity")
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, inv = sqrt_ratio(1, v * u2 * u2 % P)
    x_inv = inv * u2 % P
    y_inv = inv * x_inv * v % P
    x = absolute(2 * s * x_inv % P)
    y = u1 * y_inv % P
    if not square or x * y % P & 1 or y == 0:
        raise ValueError("not a point")
    return (x, y, 1, x * y % P)


def encode(a):
    x, y, z, t = a
    u1 = (z + y) * (z - y) % P
    u2 = x * y % P
    inv = sqrt_ratio(1, u1 * u2 * u2 % P)[1]
    d1, d2 = inv * u1 % P, inv * u2 % P
    z_inv = d1 * d2 * t % P
    if t * z_inv % P & 1:
        x, y, den = y * SQRT_M1 % P, x * SQRT_M1 % P, d1 * INVSQRT_A_MINUS_D
    else:
        den = d2
    if x * z_inv % P & 1:
        y = -y
    return absolute(den * (z - y) % P).to_bytes(32, "little")


def elligator(t):
    r = SQRT_M1 * t * t % P
    u = (r + 1) * ONE_MINUS_D_SQ % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = P - 1
    if not square:
        s = -absolute(s * t % P) % P
        c = r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
    w0, w1 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return (w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)


def of_hash(data):
    halves = [int.from_bytes(data[i:i + 32], "little") % 2**255
              for i in (0, 32)]
    return add(elligator(halves[0] % P), elligator(halves[1] % P))


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = absolute(sqrt_ratio((BASE_Y**2 - 1) % P, (D * BASE_Y**2 + 1) % P)[1])
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def label_point(label):
    return of_hash(hashlib.blake2b(label.encode() + b"\0").digest())


class Transcript:
    def __init__(self, label):
        self.hash = hashlib.blake2b()
        self.put(label.encode())

    def put(self, field):
        self.hash.update(len(field).to_bytes(4, "big") + field)

    def challenge(self):
        return int.from_bytes(self.hash.digest(), "little") % L

    def nonce(self, secret, entropy=b""):
        t = Transcript("aegis/nonce/v1")
        t.put(secret.to_bytes(32, "little"))
        t.put(entropy)
        t.put(self.hash.digest())
        return t.challenge()


def scalar(data):
    s = int.from_bytes(data, "little")
    if len(data) != 32 or not 0 < s < L:
        raise ValueError("a scalar that is not canonical, or zero")
    return s


def schnorr_sign(x, purpose, message, entropy=b""):
    t = Transcript(purpose)
    t.put(encode(multiply(x, BASE)))
    t.put(message)
    r = t.nonce(x, entropy)
    t.put(encode(multiply(r, BASE)))
    c = t.challenge()
    return c.to_bytes(32, "little") + ((r + c * x) % L).to_bytes(32, "little")


def schnorr_verify(signature, public, purpose, message):
    c, z = scalar(signature[:32]), scalar(signature[32:])
    r = add(multiply(z, BASE), negate(multiply(c, decode(public))))
    t = Transcript(purpose)
    t.put(public)
    t.put(message)
    t.put(encode(r))
    return t.challenge() == c


def dleq_transcript(purpose, context, g1, h1, g2, h2):
    t = Transcript(purpose)
    t.put(context)
    for point in (g1, h1, g2, h2):
        t.put(encode(point))
    return t


def dleq_prove(x, purpose, context, g1, g2, entropy=b""):
    h1, h2 = multiply(x, g1), multiply(x, g2)
    t = dleq_transcript(purpose, context, g1, h1, g2, h2)
    r = t.nonce(x, entropy)
    t.put(encode(multiply(r, g1)))
    t.put(encode(multiply(r, g2)))
    c = t.challenge()
    return c.to_bytes(32, "little") + ((r + c * x) % L).to_bytes(32, "little")


def dleq_verify(proof, purpose, context, g1, h1, g2, h2):
    c, z = scalar(proof[:32]), scalar(proof[32:])
    t = dleq_transcript(purpose, context, g1, h1, g2, h2)
    for g, h in ((g1, h1), (g2, h2)):
        t.put(encode(add(multiply(z, g), negate(multiply(c, h)))))
    return t.challenge() == c


def cbor(data, at=0):
    """The item at an offset, canonical, and where it ends."""
    kind, low = data[at] >> 5, data[at] & 31
    at += 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    value = int.from_bytes(data[at:at + size], "big") if size else low
    at += size
    if size and value < (24, 2**8, 2**16, 2**32)[size.bit_length() - 1]:
        raise ValueError("a head that is longer than needed")
    if kind == 0:
        return value, at
    if kind in (2, 3):
        if at + value > len(data):
            raise ValueError("a string that ends too late")
        piece = bytes(data[at:at + value])
        return (piece.decode() if kind == 3 else piece), at + value
    if kind == 4:
        items = []
        for _ in range(value):
            item, at = cbor(data, at)
            items.append(item)
        return items, at
    if kind == 7 and low in (20, 21, 22):
        return {20: False, 21: True, 22: None}[low], at
    raise ValueError("a kind of item that has no place here")


def parts(data, count):
    """The encodings of an array's items."""
    at, out = 1, []
    for _ in range(count):
        _, end = cbor(data, at)
        out.append(bytes(data[at:end]))
        at = end
    return out


def b2(data):
    return hashlib.blake2b(data, digest_size=32).digest()


H = label_point("aegis/escrow/generator/v1")


def verify_sharing(purpose, base, threshold, numbers, keys, sharing, zero):
    """Points of the shares by number; ValueError when a proof fails."""
    commitments, shares, proofs = sharing
    if len(commitments) != threshold - zero or \
            not len(shares) == len(proofs) == len(numbers):
        raise ValueError("a sharing of another size")
    t = Transcript(purpose)
    t.put(base)
    t.put(threshold.to_bytes(4, "big"))
    t.put(sum(1 << number - 1 for number in numbers).to_bytes(4, "big"))
    for piece in commitments + shares:
        t.put(piece)
    context = t.hash.digest()
    c = [IDENTITY] * zero + [decode(piece) for piece in commitments]
    out = {}
    for number, share, proof in zip(numbers, shares, proofs):
        x = IDENTITY
        for point in reversed(c):
            x = add(multiply(number, x), point)
        if not dleq_verify(proof, purpose, context, H, x, keys[number],
                           decode(share)):
            raise ValueError("the share of custodian %d" % number)
        out[number] = decode(share)
    return out


class Package:
    def __init__(self, data):
        whole, end = cbor(data)
        if end != len(data) or whole[:2] != ["aegis-escrow-package", 1]:
            raise ValueError("not a package")
        head, deal, payload, refreshes = whole[2:]
        raw = parts(data, 6)
        self.threshold, custodians = head[5], head[6]
        self.names = {i + 1: c[0] for i, c in enumerate(custodians)}
        keys = {i + 1: decode(c[1]) for i, c in enumerate(custodians)}
        for name, key, possession in custodians:
            if not schnorr_verify(possession, key,
                                  "aegis/ristretto255/possession/v1", b""):
                raise ValueError("the key of " + name)
        self.numbers = sorted(keys)
        base = b2(raw[2])
        self.shares = verify_sharing("aegis/escrow/deal/v1", base,
                                     self.threshold, self.numbers, keys, deal,
                                     0)
        self.bound = bound = b2(base + raw[3])
        for item, encoded in zip(refreshes, parts(raw[5], len(refreshes))):
            numbers = [n for n in keys if item[1] >> n - 1 & 1]
            if not set(numbers) <= set(self.numbers):
                raise ValueError("somebody came back")
            self.numbers = numbers
            more = verify_sharing("aegis/escrow/refresh/v1", bound,
                                  self.threshold, numbers, keys, item[2:], 1)
            self.shares = {n: add(self.shares[n], more[n]) for n in numbers}
            bound = b2(bound + encoded)
        self.commitment, sealed, checksum = payload
        if checksum != b2(self.bound + self.commitment + sealed):
            raise ValueError("the checksum")
        self.id = b2(data)

    def recover(self, scalars):
        """Is this the secret's commitment: of the custodians' scalars."""
        points = {n: multiply(pow(x, L - 2, L), self.shares[n])
                  for n, x in scalars.items()}
        secret = IDENTITY
        for i, point in points.items():
            factor = 1
            for j in points:
                if j != i:
                    factor = factor * j * pow(j - i, L - 2, L) % L
            secret = add(secret, multiply(factor, point))
        key = hmac.digest(self.bound, encode(secret), "sha256")
        return hmac.digest(key, b"aegis/escrow/v1/commitment\1",
                           "sha256") == self.commitment


def main():
    with open(sys.argv[1], "rb") as file:
        package = Package(file.read())
    print(package.id.hex(), package.threshold,
          ",".join(package.names[n] for n in package.numbers))
    if len(sys.argv) > 2:
        scalars = {}
        for argument in sys.argv[2:]:
            number, key = argument.split(":")
            scalars[int(number)] = scalar(bytes.fromhex(key))
        if not package.recover(scalars):
            sys.exit("the keys do not open it")
        print("opens")


if __name__ == "__main__":
    main()
