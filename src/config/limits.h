// The limits of this room. Whoever reaches one gets a Problem that names it.
#pragma once

#include <cstddef>

namespace layotto::config {

// Bytes of one document as it lies in the file.
inline constexpr size_t kDocumentBytesMax = size_t{8} << 20;

// Sequences and mappings inside each other.
inline constexpr size_t kDepthMax = 64;

// Nodes of one document, copies made for YAML aliases included.
inline constexpr size_t kNodesMax = 500'000;

// Bytes of all scalars and keys of one document, after aliases and references were put in.
inline constexpr size_t kTextBytesMax = size_t{32} << 20;

// Bytes one reference (${NAME}, ${file:/path}) may bring in.
inline constexpr size_t kReferenceBytesMax = size_t{1} << 20;

// Problems kept of each severity; more are counted.
inline constexpr size_t kProblemsMax = 100;

// Bytes of a foreign text quoted in a message.
inline constexpr size_t kQuotedBytesMax = 60;

}  // namespace layotto::config
