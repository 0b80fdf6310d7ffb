#include "components/state/redis/write_script.h"

namespace layotto::components::state::redis {
namespace {

// A hash without `data` is somebody else's and no value. A version that HINCRBY would choke on, or
// that a number of Lua cannot hold, is started anew: an error in the middle of a script would leave
// it half done, and an `etag_version` that is rounded could meet a later `version`.
constexpr const char* kText = R"lua(
local seen = {}
local function look(key)
  local found = seen[key]
  if found then return found end
  found = {kind = redis.call('TYPE', key).ok, live = false, etag = ''}
  if found.kind == 'hash' then
    local fields = redis.call('HMGET', key, 'etag', 'etag_version', 'version')
    found.live = redis.call('HEXISTS', key, 'data') == 1
    local version = fields[3]
    if fields[1] and fields[2] == version then
      found.etag = fields[1]
    else
      found.etag = version or ''
    end
    found.odd = version and version ~= '0' and not string.match(version, '^[1-9]%d*$')
    if version and string.len(version) > 15 then found.odd = true end
  elseif found.kind ~= 'none' then
    found.live = true
  end
  seen[key] = found
  return found
end
for i, key in ipairs(KEYS) do
  local at = 6 * (i - 1)
  local now = look(key)
  local wanted = ARGV[at + 2]
  if wanted == 'absent' and now.live then return i end
  if wanted == 'etag' then
    if not now.live or now.written or now.etag == '' or now.etag ~= ARGV[at + 3] then return i end
  end
  now.live = ARGV[at + 1] == 'put'
  now.written = true
end
for i, key in ipairs(KEYS) do
  local at = 6 * (i - 1)
  local was = look(key)
  if ARGV[at + 1] == 'del' then
    redis.call('DEL', key)
    was.kind = 'none'
  else
    if was.kind ~= 'hash' and was.kind ~= 'none' then redis.call('DEL', key) end
    if was.odd then redis.call('HDEL', key, 'version') end
    was.odd = false
    was.kind = 'hash'
    local version = redis.call('HINCRBY', key, 'version', 1)
    local ttl = tonumber(ARGV[at + 6])
    redis.call('HSET', key, 'data', ARGV[at + 4], 'etag', ARGV[at + 5], 'etag_version', version)
    if ttl > 0 then
      redis.call('HSET', key, 'expires', 1)
      redis.call('PEXPIRE', key, ARGV[at + 6])
    else
      redis.call('HDEL', key, 'expires')
      redis.call('PERSIST', key)
    end
  end
end
return 0
)lua";

}  // namespace

const clients::redis::Script& write_script() {
  static const auto& script = *new clients::redis::Script("state write", kText);
  return script;
}

}  // namespace layotto::components::state::redis
