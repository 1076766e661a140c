# nginx as Debian builds it, to run without root.
ARG BASE
FROM ${BASE}
RUN apt-get update -q \
 && apt-get install -y -q nginx-light \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log /var/log/nginx/* \
 && ln -s /dev/stderr /var/log/nginx/error.log
USER www-data
EXPOSE 8080
# QUIT lets requests under way finish; nginx treats TERM as "at once".
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
