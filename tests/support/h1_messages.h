// Requests of HTTP/1 as bytes, and looking at answers.
#pragma once

#include <string>
#include <string_view>

namespace layotto::tests::h1 {

inline std::string request(std::string_view method, std::string_view path,
                           std::string_view fields = {}, std::string_view body = {}) {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: here\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}
inline std::string get(std::string_view path, std::string_view fields = {}) {
  return request("GET", path, fields);
}
inline std::string post(std::string_view path, std::string_view body) {
  return request("POST", path, "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}
inline std::string post_chunked(std::string_view path, std::string_view chunks) {
  return request("POST", path, "Transfer-Encoding: chunked\r\n", chunks);
}

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
inline size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}
inline std::string status_of(std::string_view reply) { return std::string(reply.substr(0, 12)); }

}  // namespace layotto::tests::h1
