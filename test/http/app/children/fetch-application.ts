/** An application for the fetch interface. */
async function answer(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  switch (pathname) {
    case '/json':
      return Response.json({ method: request.method, search, name: request.headers.get('x-name') });
    case '/echo':
      return new Response(await request.arrayBuffer(), { headers: { 'Set-Cookie': 'a=1' } });
    case '/stream':
      return new Response(
        new ReadableStream({
          start: controller => {
            controller.enqueue(Buffer.from('at once, '));
            setTimeout(() => {
              controller.enqueue(Buffer.from('and later'));
              controller.close();
            }, 20);
          },
        }),
      );
    case '/large':
      return new Response('x'.repeat(1_000_000));
    default:
      return new Response(null, { status: 404 });
  }
}

export default { fetch: answer };
