//! Channel binding: what ties a password exchange to the TLS connection around it.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, SHA_1_WITH_RSA_ENCRYPTION,
    SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
};

/// `tls-server-end-point` of RFC 5929: a digest of the server's certificate (DER), by the
/// algorithm that it is signed with. `None`: that algorithm has no digest of its own, as Ed25519,
/// so there is no channel binding.
pub(crate) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let algorithm = match parsed.signature_algorithm.oid {
        // SHA-1 is too weak, and counts as SHA-256.
        SHA_1_WITH_RSA_ENCRYPTION | SHA_256_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_256 => &SHA256,
        SHA_384_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_384 => &SHA384,
        SHA_512_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_512 => &SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
        PKCS_RSA_SHA512, SignatureAlgorithm,
    };

    use super::*;

    #[track_caller]
    fn check(signed: &'static SignatureAlgorithm, expected: Option<&'static digest::Algorithm>) {
        let key = KeyPair::generate_for(signed).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let expected = expected.map(|by| digest::digest(by, certificate.der()).as_ref().to_vec());
        assert_eq!(server_end_point(certificate.der()), expected);
    }

    #[test]
    fn the_signature_says_which_digest() {
        check(&PKCS_ECDSA_P256_SHA256, Some(&SHA256));
        check(&PKCS_ECDSA_P384_SHA384, Some(&SHA384));
        check(&PKCS_RSA_SHA512, Some(&SHA512));
        check(&PKCS_ED25519, None);
    }

    #[test]
    fn what_is_no_certificate_binds_nothing() {
        assert_eq!(server_end_point(b"\x30\x00"), None);
    }
}
