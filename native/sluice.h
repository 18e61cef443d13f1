// What the files of the addon share: arguments and results of its functions, and socket addresses.
#pragma once
#define NAPI_VERSION 8
#include <netinet/in.h>
#include <node_api.h>
#include <sys/socket.h>

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} address_t;

int arguments(napi_env env, napi_callback_info info, napi_value *values, size_t count);
int whole_number(napi_env env, napi_value value, int min, int max, int *result);
int descriptor(napi_env env, napi_value value, int *fd);
napi_value number(napi_env env, int value);
napi_value describe(napi_env env, const address_t *address);
socklen_t address_of(napi_env env, napi_value host, napi_value port, address_t *address);
int set(int fd, int level, int option, int value);

void define_sockets(napi_env env, napi_value exports);
