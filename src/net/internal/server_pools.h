// net/internal/server_pools.h: the threads of a server beside its loops.
//
// Three pools, because each may wait for something else: handlers for the disk or a lock, handlers
// of streamed bodies for their clients, sources for whatever they read. None can keep the others
// from working. The last two are started when they are first needed. Thread-safe; outlives the
// loops.
#pragma once
#include "net/http_server.h"
#include "platform/threads.h"

#include <cstddef>
#include <memory>
#include <mutex>

namespace martlet::net {

class ServerPools {
 public:
  ServerPools(const HttpServerOptions& options, Log& log);

  platform::ThreadPool& requests() { return requests_; }
  platform::ThreadPool& streams() { return started(streams_); }
  platform::ThreadPool& sources() { return started(sources_); }
  std::size_t queued();
  // Once no loop runs any more.
  void stop();

 private:
  struct Lazy {
    platform::ThreadPoolOptions options;
    std::unique_ptr<platform::ThreadPool> pool;
  };
  platform::ThreadPool& started(Lazy& lazy);

  Log& log_;
  platform::ThreadPool requests_;
  std::mutex lazy_mutex_;  // the two below
  Lazy streams_;
  Lazy sources_;
};

}  // namespace martlet::net
