// The limits of the room `net`. Reaching one is counted by its owner or reported as an Error.
#pragma once

#include <chrono>
#include <cstddef>

namespace layotto::net {

// Bytes one connection may read before the others get their turn.
inline constexpr size_t kReadBytesPerPassMax = 256 * 1024;
// One read buffer per worker; a connection owns none.
inline constexpr size_t kReadBufferBytes = 64 * 1024;
// An output source is asked for more only while fewer bytes than this wait to be sent.
inline constexpr size_t kUnsentFillMax = 256 * 1024;
// Vectors per sendmsg.
inline constexpr size_t kSendVectorsMax = 64;
// Connections waiting in the kernel to be accepted.
inline constexpr int kListenBacklog = 4096;
// Connections accepted per listener and pass.
inline constexpr int kAcceptsPerPassMax = 64;
// How long accepting pauses when the process is out of descriptors.
inline constexpr auto kAcceptPause = std::chrono::milliseconds(100);
// How long to wait before asking again to connect to a Unix socket whose backlog is full.
inline constexpr auto kUnixConnectPause = std::chrono::milliseconds(10);
// Dialling, when the caller does not say: name, connection and TLS handshake together.
inline constexpr auto kConnectTimeout = std::chrono::seconds(5);
// The least time one of several addresses gets before the next is tried.
inline constexpr auto kConnectAttemptMin = std::chrono::milliseconds(250);

// Names: the entries one resolver remembers, the questions it has under way, the addresses of a
// name.
inline constexpr size_t kDnsCacheEntriesMax = 1024;
inline constexpr size_t kDnsQueriesMax = 256;
inline constexpr size_t kDnsAddressesMax = 32;
// A record's time to live is taken to be within these.
inline constexpr auto kDnsTtlMin = std::chrono::seconds(1);
inline constexpr auto kDnsTtlMax = std::chrono::hours(1);
// How long "there is no such name" is believed, and how long nothing is asked after a failure.
inline constexpr auto kDnsNegativeTtl = std::chrono::seconds(1);
inline constexpr auto kDnsRetryPause = std::chrono::seconds(2);
// How long a new answer is waited for when an old one could serve.
inline constexpr auto kDnsRefreshWait = std::chrono::seconds(1);
// How long after its time to live the last good answer still serves while no new one can be had.
inline constexpr auto kDnsStaleMax = std::chrono::minutes(10);

// TLS: plaintext per record, RFC 8446 §5.1.
inline constexpr size_t kTlsRecordBytes = 16 * 1024;
// A certificate, key or CA file.
inline constexpr size_t kTlsFileBytesMax = 1024 * 1024;
// Names of each kind kept of a peer's certificate.
inline constexpr size_t kTlsNamesMax = 64;
// Protocols in an ALPN list.
inline constexpr size_t kTlsAlpnMax = 16;
// How often watched certificate files are looked at.
inline constexpr auto kTlsWatchInterval = std::chrono::seconds(1);
// After a failed handshake: how long and how many bytes we wait for the peer to read our alert.
inline constexpr auto kTlsAlertLinger = std::chrono::seconds(1);
inline constexpr size_t kTlsAlertLingerBytes = 64 * 1024;

}  // namespace layotto::net
