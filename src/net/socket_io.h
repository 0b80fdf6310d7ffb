// Reading and writing a socket of ours: recv(2) and sendmsg(2) as bare system calls. glibc's
// wrappers are cancellation points, which costs a process with threads 30 instructions a call; no
// thread of ours is ever cancelled. Under sanitizers the wrappers are used: they are what is
// watched.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <span>

namespace layotto::net {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define LAYOTTO_WATCHED_SOCKETS
#endif
#endif

// Results and errno as of recv(2).
inline ssize_t receive(int fd, std::span<char> into) {
#ifdef LAYOTTO_WATCHED_SOCKETS
  return recv(fd, into.data(), into.size(), 0);
#else
  return syscall(SYS_recvfrom, fd, into.data(), into.size(), 0, nullptr, nullptr);
#endif
}

// Results and errno as of sendmsg(2); never SIGPIPE, never waits.
inline ssize_t send_vectors(int fd, std::span<iovec> vectors) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
#ifndef LAYOTTO_WATCHED_SOCKETS
  if (vectors.size() == 1) {
    return syscall(SYS_sendto, fd, vectors[0].iov_base, vectors[0].iov_len, kFlags, nullptr, 0);
  }
#endif
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  return sendmsg(fd, &message, kFlags);
}

}  // namespace layotto::net
