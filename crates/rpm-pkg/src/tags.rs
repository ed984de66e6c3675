//! Numbers of the tags this crate writes (rpm's `rpmtag.h`) and the type each is stored as.

pub(crate) const REGION_SIGNATURES: u32 = 62;
pub(crate) const REGION_IMMUTABLE: u32 = 63;

// Signature header.
pub(crate) const SIG_RSA_HEADER: u32 = 268;
pub(crate) const SIG_SHA1_HEADER: u32 = 269;
pub(crate) const SIG_SHA256_HEADER: u32 = 273;
pub(crate) const SIG_SIZE: u32 = 1000;
pub(crate) const SIG_PGP: u32 = 1002;
pub(crate) const SIG_MD5: u32 = 1004;
pub(crate) const SIG_PAYLOAD_SIZE: u32 = 1007;

// Main header.
pub(crate) const I18N_TABLE: u32 = 100;
pub(crate) const NAME: u32 = 1000;
pub(crate) const VERSION: u32 = 1001;
pub(crate) const RELEASE: u32 = 1002;
pub(crate) const EPOCH: u32 = 1003;
pub(crate) const SUMMARY: u32 = 1004;
pub(crate) const DESCRIPTION: u32 = 1005;
pub(crate) const BUILD_TIME: u32 = 1006;
pub(crate) const BUILD_HOST: u32 = 1007;
pub(crate) const SIZE: u32 = 1009;
pub(crate) const VENDOR: u32 = 1011;
pub(crate) const LICENSE: u32 = 1014;
pub(crate) const PACKAGER: u32 = 1015;
pub(crate) const GROUP: u32 = 1016;
pub(crate) const URL: u32 = 1020;
pub(crate) const OS: u32 = 1021;
pub(crate) const ARCH: u32 = 1022;
pub(crate) const PRE: u32 = 1023;
pub(crate) const POST: u32 = 1024;
pub(crate) const PREUN: u32 = 1025;
pub(crate) const POSTUN: u32 = 1026;
pub(crate) const FILE_SIZES: u32 = 1028;
pub(crate) const FILE_MODES: u32 = 1030;
pub(crate) const FILE_RDEVS: u32 = 1033;
pub(crate) const FILE_MTIMES: u32 = 1034;
pub(crate) const FILE_DIGESTS: u32 = 1035;
pub(crate) const FILE_LINKTOS: u32 = 1036;
pub(crate) const FILE_FLAGS: u32 = 1037;
pub(crate) const FILE_USERNAME: u32 = 1039;
pub(crate) const FILE_GROUPNAME: u32 = 1040;
pub(crate) const SOURCE_RPM: u32 = 1044;
pub(crate) const FILE_VERIFY_FLAGS: u32 = 1045;
pub(crate) const PROVIDE_NAME: u32 = 1047;
pub(crate) const REQUIRE_FLAGS: u32 = 1048;
pub(crate) const REQUIRE_NAME: u32 = 1049;
pub(crate) const REQUIRE_VERSION: u32 = 1050;
pub(crate) const CONFLICT_FLAGS: u32 = 1053;
pub(crate) const CONFLICT_NAME: u32 = 1054;
pub(crate) const CONFLICT_VERSION: u32 = 1055;
pub(crate) const RPM_VERSION: u32 = 1064;
pub(crate) const CHANGELOG_TIME: u32 = 1080;
pub(crate) const CHANGELOG_NAME: u32 = 1081;
pub(crate) const CHANGELOG_TEXT: u32 = 1082;
pub(crate) const PRE_PROG: u32 = 1085;
pub(crate) const POST_PROG: u32 = 1086;
pub(crate) const PREUN_PROG: u32 = 1087;
pub(crate) const POSTUN_PROG: u32 = 1088;
pub(crate) const OBSOLETE_NAME: u32 = 1090;
pub(crate) const FILE_DEVICES: u32 = 1095;
pub(crate) const FILE_INODES: u32 = 1096;
pub(crate) const FILE_LANGS: u32 = 1097;
pub(crate) const PREFIXES: u32 = 1098;
pub(crate) const PROVIDE_FLAGS: u32 = 1112;
pub(crate) const PROVIDE_VERSION: u32 = 1113;
pub(crate) const OBSOLETE_FLAGS: u32 = 1114;
pub(crate) const OBSOLETE_VERSION: u32 = 1115;
pub(crate) const DIR_INDEXES: u32 = 1116;
pub(crate) const BASE_NAMES: u32 = 1117;
pub(crate) const DIR_NAMES: u32 = 1118;
pub(crate) const PAYLOAD_FORMAT: u32 = 1124;
pub(crate) const PAYLOAD_COMPRESSOR: u32 = 1125;
pub(crate) const PAYLOAD_FLAGS: u32 = 1126;
pub(crate) const PRETRANS: u32 = 1151;
pub(crate) const POSTTRANS: u32 = 1152;
pub(crate) const PRETRANS_PROG: u32 = 1153;
pub(crate) const POSTTRANS_PROG: u32 = 1154;
pub(crate) const FILE_DIGEST_ALGO: u32 = 5011;
pub(crate) const RECOMMEND_NAME: u32 = 5046;
pub(crate) const RECOMMEND_VERSION: u32 = 5047;
pub(crate) const RECOMMEND_FLAGS: u32 = 5048;
pub(crate) const ENCODING: u32 = 5062;
pub(crate) const PAYLOAD_SHA256: u32 = 5092;
pub(crate) const PAYLOAD_SHA256_ALGO: u32 = 5093;
pub(crate) const PAYLOAD_SHA256_ALT: u32 = 5097;

/// OpenPGP's number for SHA-256 (RFC 4880, section 9.4), used by rpm for file and payload digests.
pub(crate) const SHA256: u32 = 8;

/// How a tag is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Int16 = 3,
    Int32 = 4,
    String = 6,
    Bin = 7,
    StringArray = 8,
    I18nString = 9,
}

/// Type of a tag of the signature header; `None` for tags this crate never writes.
pub(crate) fn signature_type(tag: u32) -> Option<Type> {
    Some(match tag {
        SIG_SHA1_HEADER | SIG_SHA256_HEADER => Type::String,
        SIG_SIZE | SIG_PAYLOAD_SIZE => Type::Int32,
        SIG_RSA_HEADER | SIG_PGP | SIG_MD5 => Type::Bin,
        _ => return None,
    })
}

/// Type of a tag of the main header; `None` for tags this crate never writes.
pub(crate) fn header_type(tag: u32) -> Option<Type> {
    Some(match tag {
        NAME | VERSION | RELEASE | BUILD_HOST | VENDOR | LICENSE | PACKAGER | URL | OS | ARCH | PRE
        | POST | PREUN | POSTUN | SOURCE_RPM | RPM_VERSION | PRE_PROG | POST_PROG | PREUN_PROG
        | POSTUN_PROG | PAYLOAD_FORMAT | PAYLOAD_COMPRESSOR | PAYLOAD_FLAGS | PRETRANS | POSTTRANS
        | PRETRANS_PROG | POSTTRANS_PROG | ENCODING => Type::String,
        SUMMARY | DESCRIPTION | GROUP => Type::I18nString,
        I18N_TABLE | FILE_DIGESTS | FILE_LINKTOS | FILE_USERNAME | FILE_GROUPNAME | PROVIDE_NAME
        | REQUIRE_NAME | REQUIRE_VERSION | CONFLICT_NAME | CONFLICT_VERSION | CHANGELOG_NAME
        | CHANGELOG_TEXT | OBSOLETE_NAME | FILE_LANGS | PREFIXES | PROVIDE_VERSION | OBSOLETE_VERSION
        | BASE_NAMES | DIR_NAMES | RECOMMEND_NAME | RECOMMEND_VERSION | PAYLOAD_SHA256
        | PAYLOAD_SHA256_ALT => Type::StringArray,
        EPOCH | BUILD_TIME | SIZE | FILE_SIZES | FILE_MTIMES | FILE_FLAGS | FILE_VERIFY_FLAGS
        | REQUIRE_FLAGS | CONFLICT_FLAGS | CHANGELOG_TIME | FILE_DEVICES | FILE_INODES | PROVIDE_FLAGS
        | OBSOLETE_FLAGS | DIR_INDEXES | FILE_DIGEST_ALGO | RECOMMEND_FLAGS | PAYLOAD_SHA256_ALGO => {
            Type::Int32
        }
        FILE_MODES | FILE_RDEVS => Type::Int16,
        _ => return None,
    })
}
