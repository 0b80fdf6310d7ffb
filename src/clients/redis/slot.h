// Hash slots of a cluster: which of the 16384 a key belongs to.
#pragma once

#include <cstdint>
#include <string_view>

namespace layotto::clients::redis {

// The part of the key that decides: what is between the first '{' and the next '}', if that is
// something; else all of it.
std::string_view hash_tag(std::string_view key);

// CRC16 (XMODEM) of the hash tag, modulo kSlotCount.
uint16_t slot_of(std::string_view key);

}  // namespace layotto::clients::redis
