// TLS records and the handshake messages that open a connection (RFC 8446).
#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Meaning kContents[] = {{20, "change cipher spec"},
                                 {21, "alert"},
                                 {22, "handshake"},
                                 {23, "application data"},
                                 {24, "heartbeat"}};
constexpr Meaning kVersions[] = {
    {0x0300, "SSL 3.0"}, {0x0301, "TLS 1.0"}, {0x0302, "TLS 1.1"}, {0x0303, "TLS 1.2"}, {0x0304, "TLS 1.3"}};
constexpr Meaning kHandshakes[] = {
    {1, "client hello"},         {2, "server hello"},       {4, "new session ticket"},
    {8, "encrypted extensions"}, {11, "certificate"},       {12, "server key exchange"},
    {13, "certificate request"}, {14, "server hello done"}, {15, "certificate verify"},
    {16, "client key exchange"}, {20, "finished"},          {22, "certificate status"}};
constexpr Meaning kAlertLevels[] = {{1, "warning"}, {2, "fatal"}};
constexpr Meaning kAlerts[] = {{0, "close notify"},
                               {10, "unexpected message"},
                               {20, "bad record MAC"},
                               {40, "handshake failure"},
                               {42, "bad certificate"},
                               {43, "unsupported certificate"},
                               {44, "certificate revoked"},
                               {45, "certificate expired"},
                               {46, "certificate unknown"},
                               {47, "illegal parameter"},
                               {48, "unknown CA"},
                               {49, "access denied"},
                               {50, "decode error"},
                               {51, "decrypt error"},
                               {70, "protocol version"},
                               {71, "insufficient security"},
                               {80, "internal error"},
                               {86, "inappropriate fallback"},
                               {90, "user cancelled"},
                               {109, "missing extension"},
                               {112, "unrecognised name"},
                               {116, "certificate required"},
                               {120, "no application protocol"}};
// "TLS ExtensionType Values" and cipher suites in wide use, of IANA.
constexpr Meaning kExtensions[] = {{0, "server name"},
                                   {1, "largest fragment"},
                                   {5, "status request"},
                                   {10, "supported groups"},
                                   {11, "point formats"},
                                   {13, "signature algorithms"},
                                   {15, "heartbeat"},
                                   {16, "ALPN"},
                                   {18, "certificate timestamps"},
                                   {21, "padding"},
                                   {22, "encrypt then MAC"},
                                   {23, "extended master secret"},
                                   {27, "compressed certificates"},
                                   {35, "session ticket"},
                                   {41, "pre-shared key"},
                                   {42, "early data"},
                                   {43, "supported versions"},
                                   {44, "cookie"},
                                   {45, "PSK exchange modes"},
                                   {50, "certificate signatures"},
                                   {51, "key share"},
                                   {57, "QUIC parameters"},
                                   {0xfe0d, "encrypted client hello"},
                                   {0xff01, "renegotiation"}};
constexpr Meaning kCiphers[] = {{0x1301, "TLS_AES_128_GCM_SHA256"},
                                {0x1302, "TLS_AES_256_GCM_SHA384"},
                                {0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
                                {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
                                {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
                                {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
                                {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
                                {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
                                {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
                                {0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"},
                                {0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"},
                                {0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"},
                                {0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"},
                                {0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"}};

constexpr Row kCipher{"tls.handshake.ciphersuite", "Cipher suite", 0, 2, hex, 0, kCiphers};
constexpr Row kCompression{"tls.handshake.comp_method", "Compression", 0, 1};
constexpr Row kSupportedVersion{
    "tls.handshake.extensions.supported_version", "Supported version", 0, 2, hex, 0, kVersions};
constexpr Row kGroup{"tls.handshake.extensions_supported_group", "Supported group", 0, 2, hex};
constexpr Row kSignature{"tls.handshake.sig_hash_alg", "Signature algorithm", 0, 2, hex};

/// A value of each `row.size` bytes between two places.
void each(Fields& fields, const Row& row, size_t at, size_t end) {
  for (; at + row.size <= end && !fields.full(); at += row.size) fields.row(row, at);
}

/// RFC 6066, section 3: of the list, the first name.
void server_name(Fields& fields, size_t at, size_t end) {
  static constexpr Row kRows[] = {{"tls.handshake.extensions_server_name_list_len", "Names' length", 0, 2},
                                  {"tls.handshake.extensions_server_name_type", "Name type", 2, 1},
                                  {"tls.handshake.extensions_server_name_len", "Name length", 3, 2}};
  static constexpr Row kName{"tls.handshake.extensions_server_name", "Server name", 5, 0, text};
  if (at + 5 > end) return;  // empty in a server's answer
  fields.rows(kRows, at);
  const size_t size = fields.number_or_0(at + 3, 2);
  if (fields.number_or_0(at + 2, 1) == 0 && at + 5 + size <= end) fields.row(kName, at, size);
}

void protocols(Fields& fields, size_t at, size_t end) {
  static constexpr Row kLength{"tls.handshake.extensions_alpn_len", "Protocols' length", 0, 2};
  static constexpr Row kSize{"tls.handshake.extensions_alpn_str_len", "Protocol length", 0, 1};
  static constexpr Row kProtocol{"tls.handshake.extensions_alpn_str", "Application protocol", 1, 0, text};
  fields.row(kLength, at);
  for (at += 2; at < end && !fields.full();) {
    const auto size = fields.number(at, 1);
    if (!size || at + 1 + *size > end) return;
    fields.row(kSize, at);
    fields.row(kProtocol, at, *size);
    at += 1 + *size;
  }
}

/// RFC 8446, section 4.2.8: a client's list behind its length, a server's choice.
void key_shares(Fields& fields, size_t at, size_t end, bool client) {
  static constexpr Row kRows[] = {
      {"tls.handshake.extensions_key_share_group", "Key share group", 0, 2},
      {"tls.handshake.extensions_key_share_key_exchange_length", "Key length", 2, 2}};
  for (at += client ? 2 : 0; at + 4 <= end && !fields.full();) {
    const auto head = fields.number(at, 4);
    if (!head) return;
    fields.rows(kRows, at);
    at += 4 + static_cast<size_t>(*head & 0xffffU);
  }
}

void extension(Fields& fields, size_t type, size_t at, size_t end, bool client) {
  switch (type) {
    case 0: return server_name(fields, at, end);
    case 10: return each(fields, kGroup, at + 2, end);
    case 13: return each(fields, kSignature, at + 2, end);
    case 16: return protocols(fields, at, end);
    case 51: return key_shares(fields, at, end, client);
    case 43: return each(fields, kSupportedVersion, client ? at + 1 : at, end);
    default: return;
  }
}

void extensions(Fields& fields, size_t at, size_t end, bool client) {
  static constexpr Row kLength{"tls.handshake.extensions_length", "Extensions' length", 0, 2};
  static constexpr Row kHead[] = {
      {"tls.handshake.extension.type", "Extension", 0, 2, decimal, 0, kExtensions},
      {"tls.handshake.extension.len", "Extension length", 2, 2}};
  if (at + 2 > end) return;  // TLS 1.0 and before know none
  fields.row(kLength, at);
  for (at += 2; at + 4 <= end && !fields.full();) {
    const auto head = fields.number(at, 4);
    if (!head) return;
    const auto size = static_cast<size_t>(*head & 0xffffU);
    if (at + 4 + size > end) return;
    fields.rows(kHead, at);
    extension(fields, static_cast<size_t>(*head >> 16), at + 4, at + 4 + size, client);
    at += 4 + size;
  }
}

/// The ServerHello of the first drafts of TLS 1.3 has neither session nor compression.
bool is_early_draft(size_t version) { return version >> 8 == 0x7f && (version & 0xffU) < 22; }

/// ClientHello and ServerHello from their version on.
void hello(Fields& fields, size_t at, size_t end, bool client) {
  static constexpr Row kRows[] = {{"tls.handshake.version", "Version", 0, 2, hex, 0, kVersions},
                                  {"tls.handshake.random", "Random", 2, 32, bytes},
                                  {"tls.handshake.session_id_length", "Session length", 34, 1}};
  static constexpr Row kSession{"tls.handshake.session_id", "Session", 35, 0, bytes};
  static constexpr Row kCiphersLength{"tls.handshake.cipher_suites_length", "Cipher suites' length", 0, 2};
  static constexpr Row kCompressionsLength{"tls.handshake.comp_methods_length", "Compressions' length", 0, 1};
  const auto session = fields.number(at + 34, 1);
  if (!client && is_early_draft(fields.number_or_0(at, 2))) {
    fields.rows(std::span(kRows).first(2), at);
    fields.row(kCipher, at + 34);
    return extensions(fields, at + 36, end, client);
  }
  fields.rows(kRows, at);
  if (!session) return;
  if (*session != 0) fields.row(kSession, at, *session);
  at += 35 + *session;
  if (client) {
    const auto ciphers = fields.number(at, 2);
    if (!ciphers || at + 2 + *ciphers > end) return;
    fields.row(kCiphersLength, at);
    each(fields, kCipher, at + 2, at + 2 + *ciphers);
    at += 2 + *ciphers;
    const auto compressions = fields.number(at, 1);
    if (!compressions || at + 1 + *compressions > end) return;
    fields.row(kCompressionsLength, at);
    each(fields, kCompression, at + 1, at + 1 + *compressions);
    at += 1 + *compressions;
  } else {
    fields.row(kCipher, at);
    fields.row(kCompression, at + 2);
    at += 3;
  }
  extensions(fields, at, end, client);
}

/// The messages of one record, those whose headers are not encrypted.
void handshakes(Fields& fields, size_t at, size_t end) {
  static constexpr Row kRows[] = {{"tls.handshake.type", "Handshake", 0, 1, decimal, 0, kHandshakes},
                                  {"tls.handshake.length", "Length", 1, 3}};
  while (at + 4 <= end && !fields.full()) {
    const auto head = fields.number(at, 4);
    if (!head) return;
    const auto type = static_cast<uint32_t>(*head >> 24);
    const auto size = static_cast<size_t>(*head & 0xffffffU);
    bool known = false;
    for (const Meaning& meaning : kHandshakes) known = known || meaning.number == type;
    // A message may go on in the next record; one that is no message is encrypted.
    if (!known || at + 4 + size > end) return;
    fields.rows(kRows, at);
    if (type == 1 || type == 2) hello(fields, at + 4, at + 4 + size, type == 1);
    at += 4 + size;
  }
}

void tls_fields(Fields& fields) {
  static constexpr Row kRecord[] = {{"tls.record.content_type", "Content", 0, 1, decimal, 0, kContents},
                                    {"tls.record.version", "Version", 1, 2, hex, 0, kVersions},
                                    {"tls.record.length", "Length", 3, 2}};
  static constexpr Row kAlert[] = {{"tls.alert_message.level", "Alert level", 5, 1, decimal, 0, kAlertLevels},
                                   {"tls.alert_message.desc", "Alert", 6, 1, decimal, 0, kAlerts}};
  bool encrypted = false;
  for (size_t at = 0; !fields.full();) {
    const auto head = fields.number(at, 5);
    if (!head) return;
    const auto type = static_cast<size_t>(*head >> 32);
    if (type < 20 || type > 24 || (*head >> 24 & 0xffU) != 3) return;
    const auto size = static_cast<size_t>(*head & 0xffffU);
    fields.rows(kRecord, at);
    if (type == 22 && !encrypted) handshakes(fields, at + 5, at + 5 + size);
    if (type == 21 && size == 2 && !encrypted) fields.rows(kAlert, at);
    encrypted = encrypted || type == 20;
    at += 5 + size;
  }
}

constexpr Description kDescriptions[] = {
    {"tls", "Transport Layer Security", {}, tls_fields},
};

}  // namespace

Descriptions tls_descriptions() { return kDescriptions; }

}  // namespace wl::packet
