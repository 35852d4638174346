#include "ps/client/exchange.h"

#include "ps/partitioner.h"

namespace zhiyin::ps::client {

void Exchange::MakeRoutes(int n_servers) {
  const size_t n = static_cast<size_t>(n_servers);
  routes.resize(asked.size());
  for (size_t p = 0; p < asked.size(); ++p) {
    const Part& part = asked[p];
    Route& route = routes[p];
    // Counting sort by server, stable: the rows of a request keep the order of the keys.
    route.begin.assign(n + 1, 0);
    server_of_key.resize(part.keys.size());
    for (size_t i = 0; i < part.keys.size(); ++i) {
      const int server = ServerOf(static_cast<TableId>(p), part.keys[i], n_servers);
      server_of_key[i] = static_cast<uint16_t>(server);
      ++route.begin[static_cast<size_t>(server) + 1];
    }
    for (size_t s = 0; s < n; ++s) route.begin[s + 1] += route.begin[s];
    route.order.resize(part.keys.size());
    for (size_t i = 0; i < part.keys.size(); ++i) {
      route.order[route.begin[server_of_key[i]]++] = static_cast<uint32_t>(i);
    }
    for (size_t s = n; s > 0; --s) route.begin[s] = route.begin[s - 1];
    route.begin[0] = 0;
  }
}

}  // namespace zhiyin::ps::client
