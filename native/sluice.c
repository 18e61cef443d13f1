// What Node has no call for, on Linux: where a redirected connection was headed, and sockets that carry addresses of others.
// Node-API only (version 8), so that one binary serves every Node from 12.22 on. Results below zero are negated errno values:
// JavaScript makes errors of them.
#include "sluice.h"
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// linux/netfilter_ipv4.h, linux/netfilter_ipv6/ip6_tables.h: one number under two levels.
#define ORIGINAL_DESTINATION 80
// linux/in.h, linux/in6.h; named here because older headers lack the second.
#ifndef IP_TRANSPARENT
#define IP_TRANSPARENT 19
#endif
#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif
// The kernel picks the local port at connect, when it knows the other end: one source then has 28,000 ports to each server, not in all.
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

// An IPv6 address with the longest name of an interface behind a percent sign, and the zero.
#define HOST_SIZE (INET6_ADDRSTRLEN + 1 + IF_NAMESIZE + 1)

// The first `count` arguments; false, with a JavaScript exception under way, where there are fewer.
int arguments(napi_env env, napi_callback_info info, napi_value *values, size_t count) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok || given < count) {
    napi_throw_type_error(env, NULL, "too few arguments");
    return 0;
  }
  return 1;
}

// A whole number within bounds, as it is: napi_get_value_int32 would make 0 of NaN, and 5 of 2^32 + 5. False where it is none.
int whole_number(napi_env env, napi_value value, int min, int max, int *result) {
  double given;
  if (napi_get_value_double(env, value, &given) != napi_ok || !(given >= min && given <= max) || given != (int)given) return 0;
  *result = (int)given;
  return 1;
}

// The same for a descriptor, with an exception under way where it is none. One that is closed is -1 to Node.
int descriptor(napi_env env, napi_value value, int *fd) {
  if (whole_number(env, value, INT_MIN, INT_MAX, fd)) return 1;
  napi_throw_type_error(env, NULL, "expected a descriptor");
  return 0;
}

napi_value number(napi_env env, int value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

// Reads an IP literal, with `%interface` for link-local ones. Returns the length of the socket address, 0 where it is none.
static socklen_t parse_address(const char *host, int port, address_t *address) {
  memset(address, 0, sizeof *address);
  if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    return sizeof address->v4;
  }
  char literal[HOST_SIZE];
  const char *zone = strchr(host, '%');
  size_t length = zone == NULL ? strlen(host) : (size_t)(zone - host);
  if (length >= sizeof literal) return 0;
  memcpy(literal, host, length);
  literal[length] = 0;
  if (inet_pton(AF_INET6, literal, &address->v6.sin6_addr) != 1) return 0;
  address->v6.sin6_family = AF_INET6;
  address->v6.sin6_port = htons((uint16_t)port);
  if (zone == NULL) return sizeof address->v6;
  address->v6.sin6_scope_id = if_nametoindex(zone + 1);
  return address->v6.sin6_scope_id == 0 ? 0 : sizeof address->v6;
}

// { host, port } of a socket address; undefined where it is of neither family.
napi_value describe(napi_env env, const address_t *address) {
  char host[HOST_SIZE];
  int port;
  if (address->any.sa_family == AF_INET) {
    if (inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host) == NULL) return NULL;
    port = ntohs(address->v4.sin_port);
  } else if (address->any.sa_family == AF_INET6) {
    if (inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host) == NULL) return NULL;
    port = ntohs(address->v6.sin6_port);
    char zone[IF_NAMESIZE];
    // Only link-local addresses have one; without it they cannot be connected.
    if (address->v6.sin6_scope_id != 0 && if_indextoname(address->v6.sin6_scope_id, zone) != NULL) {
      size_t length = strlen(host);
      snprintf(host + length, sizeof host - length, "%%%s", zone);
    }
  } else {
    return NULL;
  }
  napi_value result, text;
  if (napi_create_object(env, &result) != napi_ok) return NULL;
  if (napi_create_string_latin1(env, host, NAPI_AUTO_LENGTH, &text) != napi_ok) return NULL;
  napi_set_named_property(env, result, "host", text);
  napi_set_named_property(env, result, "port", number(env, port));
  return result;
}

// originalDestination(fd): { host, port } | undefined. Undefined where the kernel knows no connection, or none that it tracks.
static napi_value original_destination(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  if (!arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  address_t local, original;
  socklen_t length = sizeof local;
  if (getsockname(fd, &local.any, &length) != 0) return NULL;
  // IPv4 that came in by a socket of both families is asked for at IPv4's level.
  int is_v6 = local.any.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&local.v6.sin6_addr);
  memset(&original, 0, sizeof original);
  length = is_v6 ? sizeof original.v6 : sizeof original.v4;
  if (getsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, ORIGINAL_DESTINATION, &original, &length) != 0) return NULL;
  return describe(env, &original);
}

int set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

// A socket that may be bound to addresses that are not this machine's: its descriptor, or a negated errno.
static int transparent_socket(int family) {
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (fd < 0) return -errno;
  int failed = family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1) : set(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
  if (failed == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

static int bound(int fd, const address_t *address, socklen_t length) {
  if (bind(fd, &address->any, length) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

// host and port of the first two arguments; 0 where they are no address.
socklen_t address_of(napi_env env, napi_value host, napi_value port, address_t *address) {
  char text[HOST_SIZE];
  size_t length;
  int number_of_port = 0;
  // As UTF-8: of a character above 255, Latin-1 would have the lower half, which may be a digit.
  if (napi_get_value_string_utf8(env, host, text, sizeof text, &length) != napi_ok) return 0;
  // It has been cut short then, or ends before its end.
  if (length == sizeof text - 1 || strlen(text) != length) return 0;
  if (port != NULL && !whole_number(env, port, 0, UINT16_MAX, &number_of_port)) return 0;
  return parse_address(text, number_of_port, address);
}

// transparentListener(host, port, isIpv6Only): descriptor of a bound socket, to be listened on; or a negated errno.
static napi_value transparent_listener(napi_env env, napi_callback_info info) {
  napi_value values[3];
  bool is_v6_only;
  address_t address;
  if (!arguments(env, info, values, 3)) return NULL;
  socklen_t length = address_of(env, values[0], values[1], &address);
  if (length == 0 || napi_get_value_bool(env, values[2], &is_v6_only) != napi_ok) return number(env, -EINVAL);
  int fd = transparent_socket(address.any.sa_family);
  if (fd < 0) return number(env, fd);
  // As libuv does for its own, so that a restart need not wait for TIME_WAIT.
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Said either way, as by libuv: net.ipv6.bindv6only may be on.
  if (address.any.sa_family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_v6_only);
  return number(env, bound(fd, &address, length));
}

// transparentSource(host): descriptor of a socket that will connect from `host`, whose port is chosen then; or a negated errno.
static napi_value transparent_source(napi_env env, napi_callback_info info) {
  napi_value values[1];
  address_t address;
  if (!arguments(env, info, values, 1)) return NULL;
  socklen_t length = address_of(env, values[0], NULL, &address);
  if (length == 0) return number(env, -EINVAL);
  int fd = transparent_socket(address.any.sa_family);
  if (fd < 0) return number(env, fd);
  // Linux 4.2; without it ports are chosen at bind, which is only fewer of them.
  set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  return number(env, bound(fd, &address, length));
}

// closeDescriptor(fd): of a socket that nobody took over.
static napi_value close_descriptor(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  if (arguments(env, info, values, 1) && descriptor(env, values[0], &fd)) close(fd);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"originalDestination", NULL, original_destination, NULL, NULL, NULL, napi_enumerable, NULL},
      {"transparentListener", NULL, transparent_listener, NULL, NULL, NULL, napi_enumerable, NULL},
      {"transparentSource", NULL, transparent_source, NULL, NULL, NULL, napi_enumerable, NULL},
      {"closeDescriptor", NULL, close_descriptor, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  define_sockets(env, exports);
  return exports;
}
